// SPDX-License-Identifier: MIT
#include <cstdlib>

#include "transport/mpi.hpp"

namespace torc::detail {

bool under_mpi_launcher() noexcept {
  // srun sets the last one whatever the MPI; a step of one task needs no MPI.
  const char* tasks = std::getenv("SLURM_STEP_NUM_TASKS");
  return std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr || std::getenv("PMI_SIZE") != nullptr ||
         std::getenv("PMIX_RANK") != nullptr || (tasks != nullptr && std::atoi(tasks) > 1);
}

} // namespace torc::detail

#if TORC_HAS_MPI

#include <boost/mpi/environment.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <thread>
#include <torc/mpi.hpp>

#include "transport/mpi_session.hpp"

namespace torc::detail {

namespace mpi = boost::mpi;

namespace {

/// MPI can be initialised once in the life of a process, sessions come and go.
struct library {
  std::unique_ptr<mpi::environment> environment;
  mpi_session* session = nullptr;
  bool broken = false;   ///< a session was left before all ranks had ended it
  bool for_good = false; ///< and one of them never will
  ~library() {
    // Who exits in the middle of a session would wait in MPI_Finalize for ranks that wait for him;
    // without it the launcher ends the job.
    if (session != nullptr || broken) static_cast<void>(environment.release());
  }
};

library& the_library() {
  static library l;
  return l;
}

void initialise(library& l) {
  if (mpi::environment::finalized()) {
    throw std::logic_error("torc: MPI has been finalised, a session cannot begin");
  }
  if (l.for_good) {
    throw std::logic_error("torc::init: a rank has been lost, no other session can begin");
  }
  if (!l.environment) { // it leaves an MPI alone that is initialised already
    l.environment = std::make_unique<mpi::environment>(mpi::threading::multiple, false);
  }
  const auto granted = mpi::environment::thread_level();
  if (granted == mpi::threading::multiple) return;
  if (mpi::communicator().rank() == 0) {
    std::fprintf(stderr,
                 "torc: needs an MPI of thread level MPI_THREAD_MULTIPLE, but %s is granted\n",
                 granted == mpi::threading::single     ? "MPI_THREAD_SINGLE"
                 : granted == mpi::threading::funneled ? "MPI_THREAD_FUNNELED"
                                                       : "MPI_THREAD_SERIALIZED");
  }
  MPI_Barrier(MPI_COMM_WORLD); // the launcher may end all when the first is gone
  l.environment.reset();
  std::exit(1);
}

} // namespace

void die(const std::string& what) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  std::fprintf(stderr, "torc: rank %d: %s\n", rank, what.c_str());
  MPI_Abort(MPI_COMM_WORLD, 1);
  std::abort();
}

void check(int code, const char* call) {
  if (code != MPI_SUCCESS) [[unlikely]] {
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    MPI_Error_string(code, text, &length);
    die(std::string(call) + " failed: " + text);
  }
}

void wait_for(MPI_Request request, const char* call) {
  using namespace std::chrono_literals;
  int done = 0;
  for (int tries = 0;; ++tries) {
    check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), call);
    if (done != 0) return;
    if (tries < 1000) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(50us);
    }
  }
}

mpi_session::mpi_session() {
  library& l = the_library();
  initialise(l);
  comm_.emplace(MPI_COMM_WORLD, mpi::comm_duplicate);
  users_.emplace(MPI_COMM_WORLD, mpi::comm_duplicate);
  check(MPI_Comm_set_errhandler(*comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  l.session = this;
}

void mpi_session::end_for_good() { the_library().for_good = true; }

mpi_session::~mpi_session() {
  library& l = the_library();
  l.session = nullptr;
  l.broken |= !well_;
}

boost::mpi::communicator& user_communicator() {
  mpi_session* session = the_library().session;
  if (session == nullptr) {
    throw std::logic_error("torc: there is a communicator only in a session, under mpirun or srun");
  }
  return *session->users_;
}

} // namespace torc::detail

boost::mpi::communicator torc::communicator() { return detail::user_communicator(); }

#endif
