// SPDX-License-Identifier: MIT
#pragma once

#include <boost/mpi/communicator.hpp>
#include <chrono>
#include <functional>
#include <vector>

namespace torc::detail {

/// Begin and end of a session in which ranks may be lost, between which and with whom no collective
/// call of MPI comes back. Open MPI goes on where nobody waits for the dead or first talks to it.
class mpi_survivors {
public:
  /// Has every pair of ranks talk to each other. Collective, waits for all.
  explicit mpi_survivors(const boost::mpi::communicator& all);
  /// All that `gone` does not tell of have called this, or are not waited for any longer. To be
  /// called until it is true.
  bool parted(const std::function<bool(int)>& gone);

private:
  MPI_Request send(int to);
  MPI_Request receive(int from);

  boost::mpi::communicator comm_;
  std::vector<MPI_Request> from_, to_; ///< by rank
  bool parting_ = false, told_ = false;
  std::chrono::steady_clock::time_point deadline_;
};

} // namespace torc::detail
