/* What every cmocka file here needs, in the order in which cmocka wants it. */
#ifndef TESTS_IMAGEBUILDER_CHECK_H
#define TESTS_IMAGEBUILDER_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#endif
