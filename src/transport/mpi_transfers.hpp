// SPDX-License-Identifier: MIT
#pragma once

#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "transport/transport.hpp"

namespace torc::detail {

/// The sends and receives of a transport that are under way, but for the receives of packets.
class mpi_transfers {
public:
  using action = std::function<void(receiver&)>;

  /// Some sends to a rank, or receives from it, that are complete together.
  struct transfer {
    action done;
    int peer;
    bool outgoing;
    std::size_t left = 0; ///< requests that are not complete
  };
  using pointer = std::shared_ptr<transfer>;

  explicit mpi_transfers(MPI_Comm comm);

  /// `add`, `send` and `receive` say what belongs to it, then `end`; `advance` calls `done`.
  pointer begin(int peer, bool outgoing, action done);
  void add(const pointer& t, MPI_Request request);
  /// Chunks of one ticket are received in the order they are sent, so both sides only have to go
  /// through the same sequence. Nothing is sent for no bytes.
  void send(const pointer& t, std::span<const std::byte> what, std::uint64_t ticket);
  void receive(const pointer& t, std::span<std::byte> what, std::uint64_t ticket);
  void end(const pointer& t);

  /// Ends transfers; whether there were any to end. Looks at a part of them in turn, so that many
  /// do not make every poll slow.
  bool advance(receiver& r);
  /// Forgets what has to do with that rank.
  void lost(int rank);

  bool none() const noexcept { return requests_.empty() && ready_.empty(); }
  bool sending() const noexcept { return sending_ != 0; }

private:
  int tag_of(std::uint64_t ticket) const;
  pointer remove(std::size_t at);

  MPI_Comm comm_;
  int last_tag_;
  std::vector<MPI_Request> requests_;
  std::vector<pointer> transfers_; ///< which transfer each request belongs to
  std::vector<pointer> ready_;     ///< those that had nothing to do
  std::size_t cursor_ = 0;         ///< the first request `advance` looks at
  std::size_t sending_ = 0;        ///< outgoing transfers
  std::vector<pointer> abandoned_; ///< MPI may look at what is theirs for ever
};

} // namespace torc::detail
