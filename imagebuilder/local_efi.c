#include "imagebuilder/local_efi.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"

/* Run before GRUB's shell is there, so no `if`: what fails is passed over, and the end is always `exit`, back
 * to iPXE. */
static const char config[] = "search --no-floppy --set=root --file /EFI/BOOT/BOOTX64.EFI\n"
                             "chainloader /EFI/BOOT/BOOTX64.EFI\n"
                             "boot\n"
                             "exit\n";

int local_efi_build(const char *path, struct err *e)
{
    char *config_path = xasprintf("%s.cfg", path);
    struct str out = {0};
    const char *const argv[] = {
        "grub-mkimage", "-O",   "x86_64-efi", "-p",         "/",   "-c",     config_path,
        "-o",           path,   "part_gpt",   "part_msdos", "fat", "search", "search_fs_file",
        "chain",        "boot", "minicmd",    NULL};
    int rc = file_write(config_path, config, strlen(config), 0644, e);
    if (rc == 0)
        rc = proc_run(argv, NULL, &out, e);
    if (rc < 0)
        err_prefix(e, "%s (are the packages grub-common and grub-efi-amd64-bin installed?)", path);
    unlink(config_path);
    free(config_path);
    str_free(&out);
    return rc;
}
