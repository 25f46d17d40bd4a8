// SPDX-License-Identifier: MIT
#pragma once

// What the parts of the MPI transport share: MPI itself, its communicators, and how its calls are
// checked. Includes MPI, so that only they include this.

#include <boost/mpi/communicator.hpp>
#include <boost/optional.hpp>
#include <string>

namespace torc::detail {

/// Ends the whole job with one line.
[[noreturn]] void die(const std::string& what);

/// Dies unless `code` is MPI_SUCCESS.
void check(int code, const char* call);

/// Waits without keeping a core from the ranks that are waited for.
void wait_for(MPI_Request request, const char* call);

/// MPI, initialised, from the beginning of a session to its end.
class mpi_session {
public:
  mpi_session();
  ~mpi_session();
  mpi_session(const mpi_session&) = delete;
  mpi_session& operator=(const mpi_session&) = delete;

  /// All ranks are ending their sessions. Where this has not been called MPI is not finalised.
  void end_well() { well_ = true; }
  /// A rank is lost: no session can begin any more in this process.
  void end_for_good();
  const boost::mpi::communicator& comm() const { return *comm_; }

private:
  bool well_ = false;
  friend boost::mpi::communicator& user_communicator();
  boost::optional<boost::mpi::communicator> comm_; ///< torc's own
  boost::optional<boost::mpi::communicator> users_;
};

} // namespace torc::detail
