/* run_tftpd: tftpd alone, without the program around it.
 *   run_tftpd [-i INTERFACE]... [-p PORT] [-s STATE_DIR] ROOT      without -s nothing is journalled */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "tests/tools/confine.h"
#include "tftpd/tftpd.h"

int main(int argc, char **argv)
{
    struct tftpd_config cfg = {.port = 69};
    const char *state_dir = NULL;
    struct tftpd *t = NULL;
    struct err e = {0};
    int c;
    while ((c = getopt(argc, argv, "i:p:s:")) != -1) {
        if (c == 'i' && cfg.interfaces_n < 16)
            str_copy(cfg.interfaces[cfg.interfaces_n++], sizeof cfg.interfaces[0], optarg);
        else if (c == 'p')
            cfg.port = (uint16_t)atoi(optarg);
        else if (c == 's')
            state_dir = optarg;
        else
            return 2;
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "run_tftpd [-i INTERFACE]... [-p PORT] [-s STATE_DIR] ROOT\n");
        return 2;
    }
    str_copy(cfg.root, sizeof cfg.root, argv[optind]);
    log_setup("tftpd", LOG_LVL_DEBUG, true);
    int rc = tftpd_open(&cfg, &t, &e) || confine("tftpd", state_dir ? state_dir : cfg.root, &e) ||
             tftpd_serve(t, state_dir, &e);
    if (rc)
        fprintf(stderr, "%s\n", e.text);
    tftpd_close(t);
    return rc ? 1 : 0;
}
