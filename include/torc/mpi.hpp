// SPDX-License-Identifier: MIT
#pragma once

// For programs that call MPI themselves. Not part of torc.hpp: it includes Boost.MPI.

#if !defined(TORC_HAS_MPI)
#error "torc/mpi.hpp: this torc has been built without MPI"
#endif

#include <boost/mpi/communicator.hpp>

namespace torc {

/// A communicator of all ranks, in the order of `rank()`, for the program's own messages; torc uses
/// another one. Any thread may call MPI. Valid until `shutdown`. Throws std::logic_error outside a
/// session, and in a session that mpirun (or srun) has not started.
boost::mpi::communicator communicator();

} // namespace torc
