// SPDX-License-Identifier: MIT
#pragma once

// The transport between processes that mpirun or srun has started.

#include "transport/transport.hpp"

namespace boost::mpi {
class communicator;
}

namespace torc::detail {

/// Whether mpirun, srun or the like has started this process. Looks at the environment only. Where
/// it is false nobody makes an MPI transport, and no MPI call.
bool under_mpi_launcher() noexcept;

// The rest with TORC_HAS_MPI only.

/// Initialises MPI unless that has been done; MPI is then finalised when the process exits, unless
/// a transport is still alive. Collective over all ranks; one transport at a time. An MPI that does
/// not let every thread call it ends the process with one line and exit code 1. Any later error of
/// MPI, and a peer that sends nonsense, ends the whole job with one line.
std::unique_ptr<transport> make_mpi_transport();

/// The communicator of all ranks that torc does not use itself. Throws std::logic_error while there
/// is no MPI transport.
boost::mpi::communicator& user_communicator();

} // namespace torc::detail
