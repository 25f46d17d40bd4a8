// SPDX-License-Identifier: MIT
#pragma once

#include <boost/mpi/communicator.hpp>
#include <vector>

#include "transport/transport.hpp"

namespace torc::detail {

/// The pages of the ranks of this host, in memory that they share.
class mpi_pages {
public:
  mpi_pages() = default;
  mpi_pages(const mpi_pages&) = delete;
  mpi_pages& operator=(const mpi_pages&) = delete;
  /// Makes and constructs them; collective, waits for all ranks.
  void make(const boost::mpi::communicator& comm, const std::vector<int>& workers);
  ~mpi_pages();
  /// Whether the process of that rank, of this host, has ended.
  bool gone(int rank) const noexcept;
  /// Collective over the ranks of this host. Without it the memory lives as long as the process.
  void release();
  /// Null for a rank of another host, and before `make`.
  rank_page* page(int rank) const noexcept {
    const auto at = static_cast<std::size_t>(rank);
    return at < pages_.size() ? pages_[at] : nullptr;
  }

private:
  std::vector<rank_page*> pages_;
  std::vector<int> processes_; ///< by rank: a file descriptor that tells when it ends, or -1
  MPI_Win window_ = MPI_WIN_NULL;
};

} // namespace torc::detail
