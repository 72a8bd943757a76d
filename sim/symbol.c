/* Names of functions, from the symbol tables of ELF files: static functions too, which the loader does not know. */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/symbol.h"

/* A file in memory; every access is checked against its size. */
struct image {
    const uint8_t *data;
    size_t size;
};

static const void *at(const struct image *image, uint64_t offset, uint64_t size)
{
    return offset <= image->size && size <= image->size - offset ? image->data + offset : NULL;
}

/* The name of the function of this symbol table around `offset`, or null. */
static const char *look_up(const struct image *image, const Elf64_Shdr *symbols,
                           const Elf64_Shdr *names, uint64_t offset)
{
    for (uint64_t i = 0; i < symbols->sh_size / sizeof(Elf64_Sym); i++) {
        const Elf64_Sym *symbol =
            at(image, symbols->sh_offset + i * sizeof(*symbol), sizeof(*symbol));
        if (symbol == NULL) {
            return NULL;
        }
        if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || offset < symbol->st_value ||
            offset - symbol->st_value >= symbol->st_size || symbol->st_name >= names->sh_size) {
            continue;
        }
        const char *name = at(image, names->sh_offset, names->sh_size);
        if (name != NULL &&
            memchr(name + symbol->st_name, 0, names->sh_size - symbol->st_name) != NULL) {
            return name + symbol->st_name;
        }
    }
    return NULL;
}

static const char *function_of(const struct image *image, uint64_t offset)
{
    const Elf64_Ehdr *head = at(image, 0, sizeof(*head));
    const char *name = NULL;
    if (head == NULL || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 ||
        head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_shentsize != sizeof(Elf64_Shdr)) {
        return NULL;
    }
    for (unsigned i = 0; i < head->e_shnum && name == NULL; i++) {
        const Elf64_Shdr *section =
            at(image, head->e_shoff + i * sizeof(*section), sizeof(*section));
        if (section == NULL || section->sh_type != SHT_SYMTAB ||
            section->sh_link >= head->e_shnum) {
            continue;
        }
        const Elf64_Shdr *names =
            at(image, head->e_shoff + section->sh_link * sizeof(*names), sizeof(*names));
        name = names == NULL ? NULL : look_up(image, section, names, offset);
    }
    return name;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

bool sim_symbol(const struct sim_frame *frame, char *out, size_t size)
{
    struct image image = {0};
    struct stat file_stat;
    const char *name = NULL;
    int file = open(frame->module, O_RDONLY | O_CLOEXEC);
    if (file >= 0 && fstat(file, &file_stat) == 0 && file_stat.st_size > 0) {
        void *data = mmap(NULL, (size_t)file_stat.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (data != MAP_FAILED) {
            image = (struct image){.data = data, .size = (size_t)file_stat.st_size};
            name = function_of(&image, frame->offset);
        }
    }
    if (name != NULL) {
        (void)snprintf(out, size, "%s (%s)", name, base_name(frame->module));
    } else {
        (void)snprintf(out, size, "%s+0x%llx", base_name(frame->module),
                       (unsigned long long)frame->offset);
    }
    if (image.data != NULL) {
        (void)munmap((void *)(uintptr_t)image.data, image.size);
    }
    if (file >= 0) {
        (void)close(file);
    }
    return name != NULL;
}

const struct sim_frame *sim_symbol_place(const struct sim_crash *crash)
{
    static const char *const foreign[] = {"libc.so", "libc-",    "ld-linux",
                                          "libasan", "libubsan", "libtsan"};
    for (uint32_t i = 0; i < crash->frames; i++) {
        const struct sim_frame *frame = &crash->frame[i];
        char text[128];
        bool ours = true;
        for (size_t k = 0; k < MM1_COUNT_OF(foreign); k++) {
            ours = ours && strncmp(base_name(frame->module), foreign[k], strlen(foreign[k])) != 0;
        }
        if (ours && (!sim_symbol(frame, text, sizeof(text)) ||
                     strncmp(text, "mm1_check_failed ", sizeof("mm1_check_failed ") - 1) != 0)) {
            return frame;
        }
    }
    return crash->frames > 0 ? &crash->frame[0] : NULL;
}
