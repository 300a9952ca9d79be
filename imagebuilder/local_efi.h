/* local_efi: what a UEFI machine that is to boot from its disk is given: a GRUB of 300 KB that finds the disk
 * with \EFI\BOOT\BOOTX64.EFI and starts that. `exit` in a boot script would leave it to the firmware, whose
 * next options are the same NIC by IPv6 and by HTTP, each of which waits a minute for an answer before the
 * disk has its turn. */
#ifndef IMAGEBUILDER_LOCAL_EFI_H
#define IMAGEBUILDER_LOCAL_EFI_H

#include "base/err.h"

/* Made by grub-mkimage (packages grub-common and grub-efi-amd64-bin). */
int local_efi_build(const char *path, struct err *e);

#endif
