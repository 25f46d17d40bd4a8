// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <torc/detail/descriptor.hpp>
#include <vector>

namespace torc::detail {

using bytes = std::vector<std::byte>;

/// What one rank sends to another: bytes, and large blocks that are sent from where they are.
struct message {
  bytes head;
  std::vector<std::span<const std::byte>> blocks;
  std::shared_ptr<void> owner; ///< keeps the blocks alive; dropped when they have been sent
};

/// A message that has arrived; its blocks have not.
struct arrival {
  int from = 0;
  bytes head;
  std::vector<std::size_t> block_sizes;
  std::uint64_t ticket = 0; ///< for `fetch`, if there are blocks
};

/// Who takes what a transport brings.
class receiver {
public:
  virtual void receive(arrival&& a) = 0;

protected:
  ~receiver() = default;
};

/// What the ranks of one host, and only they, share: to wake a rank that sleeps and to make one
/// that works look at its messages.
struct alignas(128) rank_page {
  atomic<std::uint32_t> pollers{0}; ///< threads that poll and will do so once more
  atomic<std::uint32_t> asleep{0};  ///< somebody sleeps on `bell`
  atomic<std::uint32_t> bell{0};    ///< futex, shared between processes
  std::uint32_t workers = 0;
  std::int32_t pid = 0;              ///< of the rank's process
  atomic<std::uint32_t> reported{0}; ///< its death has been
  /// The fronts of the rank's workers, `workers` of them, right behind the page.
  front* fronts() noexcept { return reinterpret_cast<front*>(this + 1); }
};

/// Wakes who sleeps on the page's bell.
void ring(rank_page& page) noexcept;

/// Brings messages from rank to rank. Between two ranks none is lost and none is doubled; no order
/// is promised. After construction, which is collective, only one thread at a time may be in
/// `send`, `fetch`, `flush`, `poll`, `flushed` and `closed`; none of these blocks.
class transport {
public:
  transport() = default;
  transport(const transport&) = delete;
  transport& operator=(const transport&) = delete;
  virtual ~transport() = default;

  virtual int rank() const noexcept = 0;
  virtual int size() const noexcept = 0;
  /// The name of this rank's host.
  virtual std::string host() const;

  /// Everybody's `mine`, in the order of ranks; all of one size. Collective, blocks, start-up only.
  virtual std::vector<bytes> gather(const bytes& mine) = 0;
  /// Makes a page for every rank, with room for the fronts of its workers (one number a rank; the
  /// fronts and pages are constructed). Collective, blocks, start-up only, after the first gather.
  virtual void make_pages(const std::vector<int>& workers) = 0;
  /// The page of a rank; null if that is on another host.
  virtual rank_page* page(int rank) noexcept = 0;

  /// Sends soon: small messages to one rank may travel together, until `poll` or `flush`.
  virtual void send(int to, message&& m) = 0;
  virtual void flush() = 0;
  /// Receives the blocks of `a` into `to`, of the sizes it told; calls `done` in some later `poll`.
  virtual void fetch(const arrival& a, std::vector<std::span<std::byte>> to,
                     std::function<void()> done) = 0;
  /// Moves everything on and gives what has arrived; whether anything has happened.
  virtual bool poll(receiver& r) = 0;
  /// Whether all that was sent has left.
  virtual bool flushed() const noexcept = 0;
  /// Whether something is under way that needs polls to get on.
  virtual bool moving() const noexcept = 0;
  /// Start-up only, collective: ranks may be lost from here on.
  virtual void expect_losses() = 0;
  /// Whether the process of a rank of this host has ended.
  virtual bool gone(int rank) noexcept = 0;
  /// That rank is no more: what is under way from or to it is dropped. Nothing is sent to it.
  virtual void lost(int rank) = 0;
  /// No rank will send any more, and all that was sent has been received. To be called until it is
  /// true; collective, among the ranks that are not lost.
  virtual bool closed() = 0;
};

} // namespace torc::detail
