// SPDX-License-Identifier: MIT
#include "scheduler/code_name.hpp"

#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <span>
#include <string_view>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace torc::detail {
namespace {

/// The program's file, mapped.
class program_file {
public:
  program_file() {
    const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat s {};
    if (fd >= 0 && fstat(fd, &s) == 0) {
      void* const p =
          mmap(nullptr, static_cast<std::size_t>(s.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
      if (p != MAP_FAILED) {
        all_ = {static_cast<const char*>(p), static_cast<std::size_t>(s.st_size)};
      }
    }
    if (fd >= 0) {
      close(fd);
    }
  }
  program_file(const program_file&) = delete;
  program_file& operator=(const program_file&) = delete;
  ~program_file() {
    if (!all_.empty()) {
      munmap(const_cast<char*>(all_.data()), all_.size());
    }
  }

  /// `n` objects at a place of the file; none if that is beyond its end.
  template <class T>
  std::span<const T> at(std::uint64_t offset, std::uint64_t n) const {
    if (offset > all_.size() || n > (all_.size() - offset) / sizeof(T)) {
      return {};
    }
    return {reinterpret_cast<const T*>(all_.data() + offset), n};
  }

  struct function {
    std::string_view name; ///< mangled; empty if the file does not tell
    std::uintptr_t begin = 0;
  };
  /// The function at an address.
  function find(std::uintptr_t address) const {
    const auto header = at<ElfW(Ehdr)>(0, 1);
    if (header.empty()) {
      return {};
    }
    const auto sections = at<ElfW(Shdr)>(header[0].e_shoff, header[0].e_shnum);
    for (const ElfW(Shdr) & s : sections) {
      if (s.sh_type != SHT_SYMTAB || s.sh_link >= sections.size()) {
        continue;
      }
      const ElfW(Shdr)& strings = sections[s.sh_link];
      const auto text = at<char>(strings.sh_offset, strings.sh_size);
      for (const ElfW(Sym) & symbol : at<ElfW(Sym)>(s.sh_offset, s.sh_size / sizeof(ElfW(Sym)))) {
        if ((symbol.st_info & 0xf) == STT_FUNC && symbol.st_value <= address &&
            address - symbol.st_value < symbol.st_size && symbol.st_name < text.size()) {
          return {text.data() + symbol.st_name, symbol.st_value};
        }
      }
    }
    return {};
  }

private:
  std::span<const char> all_;
};

std::uintptr_t program_base() noexcept {
  static const std::uintptr_t base = [] {
    std::uintptr_t b = 0;
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* to) {
          *static_cast<std::uintptr_t*>(to) = info->dlpi_addr;
          return 1; // the program comes first
        },
        &b);
    return b;
  }();
  return base;
}

} // namespace

std::uintptr_t program_offset(any_function code) noexcept {
  return reinterpret_cast<std::uintptr_t>(code) - program_base();
}

std::uintptr_t place_offset(const void* place) noexcept {
  return place == nullptr ? 0 : reinterpret_cast<std::uintptr_t>(place) - program_base();
}

std::string demangled(const std::string& mangled) {
  int status = 0;
  char* const plain = abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status);
  std::string name = plain != nullptr ? plain : mangled;
  std::free(plain);
  return name;
}

namespace {
std::string behind(std::string name, std::uintptr_t offset) {
  char text[24];
  std::snprintf(text, sizeof text, "+0x%zx", static_cast<std::size_t>(offset));
  return std::move(name) + text;
}

std::string function_name(const std::string& mangled) {
  std::string name = demangled(mangled);
  // A function object's is that of what runs it: torc::detail::spawned<F, Args...>::run(...).
  constexpr std::string_view ours = "torc::detail::", run = "::run(torc::detail::descriptor&)";
  if (name.starts_with(ours) && name.ends_with(run)) {
    name = name.substr(ours.size(), name.size() - ours.size() - run.size());
  }
  return name;
}
} // namespace

std::string code_name(std::uintptr_t offset) {
  const program_file file;
  const auto f = file.find(offset);
  return f.name.empty() ? behind("program", offset) : function_name(std::string(f.name));
}

std::string place_name(std::uintptr_t offset) {
  const program_file file;
  const auto f = file.find(offset - 1); // the call, which may be the last that its function does
  return f.name.empty() ? behind("program", offset - 1)
                        : behind(function_name(std::string(f.name)), offset - 1 - f.begin);
}

std::string submitted_in(std::uintptr_t offset) {
  return offset == 0 ? "" : ", submitted in " + place_name(offset);
}

} // namespace torc::detail
