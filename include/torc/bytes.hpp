// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace torc {

/// Bytes that are not what their reader expects: too few, too many, or no value of the type.
class bad_message : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// From this size on (in bytes) the elements of a vector or string travel as a block of their own.
inline constexpr std::size_t block_size = 16 * 1024;

namespace detail {

/// What writer and reader count alike.
struct byte_stream {
  int inline_only = 0; ///< > 0: no blocks, everything is copied
  int depth = 0;       ///< of nested containers and pointers

  static constexpr int max_depth = 1000; // recursive types recurse on the stack
};

/// While it lives, `stream` makes no blocks: for what is looked at while it is read.
class inline_section {
public:
  explicit inline_section(byte_stream& stream, bool on = true) noexcept
      : stream_(stream), on_(on ? 1 : 0) {
    stream_.inline_only += on_;
  }
  inline_section(const inline_section&) = delete;
  inline_section& operator=(const inline_section&) = delete;
  ~inline_section() { stream_.inline_only -= on_; }

private:
  byte_stream& stream_;
  int on_;
};

/// One level of containers and pointers: throws `Error` instead of exhausting the stack.
template <class Error>
class nesting {
public:
  explicit nesting(byte_stream& stream) : stream_(stream) {
    if (stream_.depth == byte_stream::max_depth) {
      throw Error("torc: a value in a message is nested more than " +
                  std::to_string(byte_stream::max_depth) + " levels deep");
    }
    ++stream_.depth;
  }
  nesting(const nesting&) = delete;
  nesting& operator=(const nesting&) = delete;
  ~nesting() { --stream_.depth; }

private:
  byte_stream& stream_;
};

} // namespace detail

/// Values become bytes here, one behind the other. Large contiguous data is not copied but noted as
/// a block, to be sent from where it is: it must stay there until then.
class writer : public detail::byte_stream {
public:
  writer() = default;
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;

  /// Appends the `n` bytes at `p`.
  void put(const void* p, std::size_t n) {
    if (n > bytes_.size() - used_) [[unlikely]] {
      grow(n);
    }
    if (n != 0) {
      std::memcpy(bytes_.data() + used_, p, n);
      used_ += n;
    }
  }
  /// Appends the bytes of `x`.
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void put(const T& x) { put(&x, sizeof x); }

  /// Appends the `n` bytes at `p`, or a block if they are many: then `p` must be heap memory that
  /// moving its owner does not move, and that lives until the message has been sent.
  void put_block(const void* p, std::size_t n) {
    if (n >= block_size && inline_only == 0) {
      blocks_.emplace_back(static_cast<const std::byte*>(p), n);
    } else {
      put(p, n);
    }
  }

  /// What has been written, without the blocks.
  std::span<const std::byte> bytes() const noexcept { return {bytes_.data(), used_}; }
  /// The blocks in the order in which they were written.
  const std::vector<std::span<const std::byte>>& blocks() const noexcept { return blocks_; }
  std::vector<std::byte> take_bytes() noexcept {
    bytes_.resize(std::exchange(used_, 0));
    return std::exchange(bytes_, {});
  }
  std::vector<std::span<const std::byte>> take_blocks() noexcept {
    return std::exchange(blocks_, {});
  }

  /// Forgets what was written from `size` bytes and `blocks` blocks on.
  void truncate(std::size_t size, std::size_t blocks) noexcept {
    used_ = size;
    blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(blocks), blocks_.end());
  }

private:
  void grow(std::size_t n) { bytes_.resize(std::max({used_ + n, 2 * used_, std::size_t{256}})); }

  std::vector<std::byte> bytes_; // its first `used_` bytes, for an append to be a copy only
  std::size_t used_ = 0;
  std::vector<std::span<const std::byte>> blocks_;
};

/// The way back. Trusts nothing: what does not fit throws `bad_message`. Allocates nothing, except
/// to note blocks.
class reader : public detail::byte_stream {
public:
  /// `bytes` and `block_sizes` must outlive the reader.
  explicit reader(std::span<const std::byte> bytes,
                  std::span<const std::size_t> block_sizes = {}) noexcept
      : bytes_(bytes), block_sizes_(block_sizes) {}
  reader(const reader&) = delete;
  reader& operator=(const reader&) = delete;

  /// Copies the next `n` bytes to `p`.
  void get(void* p, std::size_t n) {
    need(n);
    if (n != 0) {
      std::memcpy(p, bytes_.data(), n);
      bytes_ = bytes_.subspan(n);
    }
  }
  /// The next bytes as a T of which every pattern is a value: a `bool` has a codec instead.
  template <class T>
  requires(std::is_trivially_copyable_v<T> && !std::is_same_v<T, bool>) T get() {
    T x;
    get(&x, sizeof x);
    return x;
  }

  /// The other end of `put_block`. Of a block it only notes that it belongs to `p`: the bytes come
  /// later, so do not look at them, and keep the memory where it is.
  void get_block(void* p, std::size_t n) {
    if (is_block(n)) {
      if (next_block() != n) {
        throw bad_message("torc: a received block is not of the size that the message says");
      }
      destinations_.emplace_back(static_cast<std::byte*>(p), n);
    } else {
      get(p, n);
    }
  }

  /// The number of elements that follow, each of at least `element` > 0 bytes. No number passes for
  /// which there are too few bytes.
  std::size_t count(std::size_t element = 1) {
    const auto n = get<std::uint64_t>();
    if (n > bytes_.size() / element) {
      throw bad_message("torc: a received container says to be longer than its message");
    }
    return static_cast<std::size_t>(n);
  }
  /// The same for elements of exactly `element` bytes that `get_block` reads.
  std::size_t block_count(std::size_t element) {
    const auto n = get<std::uint64_t>();
    if (n <= std::numeric_limits<std::size_t>::max() / element) {
      const std::size_t size = static_cast<std::size_t>(n) * element;
      if (is_block(size) ? next_block() == size : size <= bytes_.size()) {
        return static_cast<std::size_t>(n);
      }
    }
    throw bad_message("torc: a received container says to be longer than its message");
  }

  /// The bytes that are left.
  std::span<const std::byte> rest() const noexcept { return bytes_; }
  /// Passes over `n` bytes.
  void skip(std::size_t n) {
    need(n);
    bytes_ = bytes_.subspan(n);
  }
  /// Throws unless everything has been read.
  void expect_end() const {
    if (!bytes_.empty() || destinations_.size() != block_sizes_.size()) {
      throw bad_message("torc: a received message is longer than what it should hold");
    }
  }

  /// Where the blocks belong, in their order: to be filled by whoever brings them.
  const std::vector<std::span<std::byte>>& destinations() const noexcept { return destinations_; }
  std::vector<std::span<std::byte>> take_destinations() noexcept {
    return std::exchange(destinations_, {});
  }

private:
  void need(std::size_t n) const {
    if (n > bytes_.size()) [[unlikely]] {
      throw bad_message("torc: a received message is too short");
    }
  }
  bool is_block(std::size_t n) const noexcept { return n >= block_size && inline_only == 0; }
  std::size_t next_block() const noexcept {
    const std::size_t i = destinations_.size();
    return i < block_sizes_.size() ? block_sizes_[i] : 0;
  }

  std::span<const std::byte> bytes_;
  std::span<const std::size_t> block_sizes_;
  std::vector<std::span<std::byte>> destinations_;
};

} // namespace torc
