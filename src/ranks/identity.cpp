// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <elf.h>
#include <link.h>
#include <list>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <torc/detail/identity.hpp>
#include <utility>
#include <vector>

namespace torc::detail {

namespace {

/// A part of a module that is mapped alike.
struct segment {
  std::uintptr_t begin;
  std::uintptr_t end;
  bool executable;
};

/// The program, or a library it has loaded.
struct module {
  std::uintptr_t base;   ///< its addresses differ between processes by this
  std::uint32_t hash;    ///< names it in all processes
  std::string path;      ///< empty: the program
  std::uint64_t content; ///< hash of what is known without reading all of it
  /// Then `content` tells it from all other versions. (A debugger's breakpoints change the code in
  /// memory, so that is the second choice.)
  bool has_build_id;
  std::vector<segment> segments; ///< the readable ones
};

/// All modules, the program first.
using module_table = std::vector<module>;

constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  a = (a ^ b) * 0x9e37'79b9'7f4a'7c15; // the finisher of splitmix64
  a = (a ^ (a >> 30)) * 0xbf58'476d'1ce4'e5b9;
  a = (a ^ (a >> 27)) * 0x94d0'49bb'1331'11eb;
  return a ^ (a >> 31);
}

/// Four independent lanes of words: limited by memory, not by the multiplications.
std::uint64_t hash_bytes(std::span<const std::byte> bytes) noexcept {
  std::uint64_t lanes[4] = {1, 2, 3, 4};
  const std::byte* p = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 32; left -= 32, p += 32) {
    for (std::size_t i = 0; i < 4; ++i) {
      std::uint64_t word;
      std::memcpy(&word, p + 8 * i, sizeof word);
      lanes[i] = (std::rotl(lanes[i], 29) ^ word) * 0x9e37'79b9'7f4a'7c15;
    }
  }
  std::byte tail[32] = {};
  if (left != 0) {
    std::memcpy(tail, p, left);
  }
  std::uint64_t h = mix(bytes.size(), 0);
  for (std::size_t i = 0; i < 4; ++i) {
    std::uint64_t word;
    std::memcpy(&word, tail + 8 * i, sizeof word);
    h = mix(h, mix(lanes[i], word));
  }
  return h;
}

/// Something readable of a loaded module.
std::span<const std::byte> contents(std::uintptr_t begin, std::size_t size) noexcept {
  return {reinterpret_cast<const std::byte*>(begin), size};
}

/// The build-id that the linker made of a module's contents; empty if it made none.
std::span<const std::byte> build_id(const dl_phdr_info& info) noexcept {
  for (const auto& header : std::span(info.dlpi_phdr, info.dlpi_phnum)) {
    if (header.p_type != PT_NOTE) {
      continue;
    }
    auto notes = contents(info.dlpi_addr + header.p_vaddr, header.p_memsz);
    const std::size_t align = header.p_align == 8 ? 8 : 4;
    while (notes.size() > sizeof(ElfW(Nhdr))) {
      ElfW(Nhdr) note;
      std::memcpy(&note, notes.data(), sizeof note);
      const std::size_t name = sizeof note;
      const std::size_t value = (name + note.n_namesz + align - 1) / align * align;
      const std::size_t end = (value + note.n_descsz + align - 1) / align * align;
      if (value + note.n_descsz > notes.size()) {
        break;
      }
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
          std::memcmp(notes.data() + name, "GNU", 4) == 0) {
        return notes.subspan(value, note.n_descsz);
      }
      notes = notes.subspan(std::min(end, notes.size()));
    }
  }
  return {};
}

int add_module(dl_phdr_info* info, std::size_t, void* table) {
  module m{info->dlpi_addr, 0, info->dlpi_name, 0, false, {}};
  std::uint64_t shape = hash_text(m.path.substr(m.path.rfind('/') + 1));
  for (const auto& header : std::span(info->dlpi_phdr, info->dlpi_phnum)) {
    if (header.p_type == PT_LOAD && (header.p_flags & PF_R) != 0) {
      const std::uintptr_t begin = info->dlpi_addr + header.p_vaddr;
      m.segments.push_back({begin, begin + header.p_memsz, (header.p_flags & PF_X) != 0});
      shape = mix(shape, mix(header.p_vaddr, header.p_memsz));
    }
  }
  const auto id = build_id(*info);
  m.has_build_id = !id.empty();
  m.content = id.empty() ? shape : hash_bytes(id);
  m.hash = static_cast<std::uint32_t>(m.content >> 32);
  static_cast<module_table*>(table)->push_back(std::move(m));
  return 0;
}

int count_loads(dl_phdr_info* info, std::size_t, void* loads) {
  *static_cast<unsigned long long*>(loads) = info->dlpi_adds;
  return 1; // the first will do
}

/// The modules as of now; what is returned lives as long as the process.
const module_table& modules(bool again = false) {
  static std::atomic<const module_table*> current{nullptr};
  const module_table* table = current.load(std::memory_order_acquire);
  if (table != nullptr && !again) [[likely]] {
    return *table;
  }
  static std::mutex mutex;
  static unsigned long long known = 0;
  static auto& all = *new std::list<module_table>; // never destroyed: others may still read them
  const std::lock_guard locked(mutex);
  unsigned long long loads = 0;
  dl_iterate_phdr(&count_loads, &loads);
  if (all.empty() || loads != known) {
    module_table now;
    dl_iterate_phdr(&add_module, &now);
    all.push_back(std::move(now));
    known = loads;
    current.store(&all.back(), std::memory_order_release);
  }
  return all.back();
}

/// Calls find(module) for each module until it is not null; looks for new ones before it gives up.
template <class Find>
auto find_in_modules(Find find) -> decltype(find(std::declval<const module&>())) {
  for (const bool again : {false, true}) {
    for (const module& m : modules(again)) {
      if (auto found = find(m)) {
        return found;
      }
    }
  }
  return nullptr;
}

const segment* find_segment(const module& m, std::uintptr_t begin, std::size_t size) noexcept {
  for (const segment& s : m.segments) {
    if (begin >= s.begin && begin < s.end && size <= s.end - begin) {
      return &s;
    }
  }
  return nullptr;
}

const module* module_at(std::uintptr_t address, std::size_t size, bool executable) {
  return find_in_modules([=](const module& m) -> const module* {
    const segment* s = find_segment(m, address, size);
    return s != nullptr && (s->executable || !executable) ? &m : nullptr;
  });
}

const module* module_named(std::uint32_t hash) {
  return find_in_modules([=](const module& m) { return m.hash == hash ? &m : nullptr; });
}

/// Where a function or constant is, as it travels.
struct place {
  std::uint32_t module = 0; ///< hash; 0 and offset 0: null
  std::uint64_t offset = 0;
};

std::uint64_t check_of(const place& p, std::uint64_t signature) {
  return mix(binary_identity() ^ signature,
             p.offset ^ std::rotl(p.module * 0x9e37'79b9'7f4a'7c15, 32));
}

void put(writer& w, const place& p) {
  w.put(p.module);
  w.put(p.offset);
}
place get_place(reader& r) {
  place p;
  p.module = r.get<std::uint32_t>();
  p.offset = r.get<std::uint64_t>();
  return p;
}

/// Instrumented code must not look at what lies between the variables of a program.
#if defined(__clang__) || defined(__GNUC__)
__attribute__((no_sanitize("address"), noinline))
#endif
bool vouches_for_itself(const remote_type* t) noexcept {
  return t->self == t && t->magic == remote_type::expected_magic;
}

} // namespace

std::uint64_t binary_identity() {
  static const std::uint64_t identity = [] {
    const module& program = modules().front();
    std::uint64_t h = program.content;
    for (const segment& s : program.segments) {
      if (s.executable && !program.has_build_id) {
        h = mix(h, hash_bytes(contents(s.begin, s.end - s.begin)));
      }
    }
    return h;
  }();
  return identity;
}

void save_function(writer& w, any_function f, std::uint64_t signature) {
  place p;
  if (f != nullptr) {
    const auto address = reinterpret_cast<std::uintptr_t>(f);
    const module* m = module_at(address, 1, true);
    if (m == nullptr) {
      throw std::runtime_error("torc: a function to be sent to another rank is neither in the "
                               "program nor in a library it has loaded");
    }
    p = {m->hash, address - m->base};
  }
  std::array<std::uint64_t, 2> rest{p.offset, check_of(p, signature)};
  std::array<std::byte, sizeof p.module + sizeof rest> all; // one step is quicker than three
  std::memcpy(all.data(), &p.module, sizeof p.module);
  std::memcpy(all.data() + sizeof p.module, &rest, sizeof rest);
  w.put(all);
}

any_function load_function(reader& r, std::uint64_t signature) {
  const place p = get_place(r);
  if (r.get<std::uint64_t>() != check_of(p, signature)) {
    throw bad_message("torc: received bytes are no function of the type they should be");
  }
  if (p.module == 0 && p.offset == 0) {
    return nullptr;
  }
  const module* m = module_named(p.module);
  if (m == nullptr) {
    throw bad_message("torc: a received function is in a library that this rank has not loaded, "
                      "or in another version of it");
  }
  const std::uintptr_t address = m->base + p.offset;
  const segment* s = find_segment(*m, address, 1);
  if (s == nullptr || !s->executable) {
    throw bad_message("torc: a received function is not where the program has code");
  }
  return reinterpret_cast<any_function>(address);
}

void save_remote_type(writer& w, const remote_type& t) {
  const auto address = reinterpret_cast<std::uintptr_t>(&t);
  const module* m = module_at(address, sizeof t, false);
  if (m == nullptr) {
    throw std::runtime_error("torc: what is to be sent to another rank is neither in the program "
                             "nor in a library it has loaded");
  }
  put(w, {m->hash, address - m->base});
}

const remote_type& load_remote_type(reader& r) {
  const place p = get_place(r);
  if (const module* m = module_named(p.module)) {
    const std::uintptr_t address = m->base + p.offset;
    if (address % alignof(remote_type) == 0 &&
        find_segment(*m, address, sizeof(remote_type)) != nullptr) {
      const auto* t = reinterpret_cast<const remote_type*>(address);
      if (vouches_for_itself(t)) {
        return *t;
      }
    }
  }
  throw bad_message("torc: received bytes name no task of this program");
}

} // namespace torc::detail
