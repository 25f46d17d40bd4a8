// SPDX-License-Identifier: MIT
#if TORC_HAS_MPI

#include "transport/mpi_survivors.hpp"

#include "transport/mpi_session.hpp"

namespace torc::detail {
namespace {

/// A rank of another host may have died just now, which nobody sees any more.
constexpr std::chrono::seconds patience{5};

bool complete(MPI_Request& request) {
  int done = 0;
  check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "parting");
  return done != 0;
}

} // namespace

mpi_survivors::mpi_survivors(const boost::mpi::communicator& all)
    : comm_(all, boost::mpi::comm_duplicate),
      from_(static_cast<std::size_t>(all.size()), MPI_REQUEST_NULL),
      to_(from_) {
  for (int r = 0; r < comm_.size(); ++r) {
    if (r != comm_.rank()) {
      from_[static_cast<std::size_t>(r)] = receive(r);
      to_[static_cast<std::size_t>(r)] = send(r);
    }
  }
  for (auto* const requests : {&from_, &to_}) {
    for (MPI_Request& request : *requests) {
      wait_for(request, "connecting");
      request = MPI_REQUEST_NULL;
    }
  }
}

MPI_Request mpi_survivors::send(int to) {
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Isend(nullptr, 0, MPI_BYTE, to, 0, comm_, &request), "MPI_Isend");
  return request;
}

MPI_Request mpi_survivors::receive(int from) {
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Irecv(nullptr, 0, MPI_BYTE, from, 0, comm_, &request), "MPI_Irecv");
  return request;
}

/// Everybody tells the root, then the root everybody.
bool mpi_survivors::parted(const std::function<bool(int)>& gone) {
  const bool root = comm_.rank() == 0;
  const int peers = root ? comm_.size() : 1; // of the root all, of others the root
  const auto tell = [&] {
    for (int r = 0; r < peers; ++r) {
      if (r != comm_.rank() && !gone(r)) {
        to_[static_cast<std::size_t>(r)] = send(r);
      }
    }
    told_ = true;
  };
  if (!parting_) {
    parting_ = true;
    deadline_ = std::chrono::steady_clock::now() + patience;
    for (int r = 0; r < peers; ++r) {
      if (r != comm_.rank() && !gone(r)) {
        from_[static_cast<std::size_t>(r)] = receive(r);
      }
    }
    if (!root) {
      tell();
    }
  }
  bool all = true;
  const auto look = [&](std::vector<MPI_Request>& requests) {
    for (int r = 0; r < peers; ++r) {
      all = all && (complete(requests[static_cast<std::size_t>(r)]) || gone(r));
    }
  };
  look(from_);
  if (all && !told_) {
    tell();
  }
  look(to_);
  return all || std::chrono::steady_clock::now() > deadline_;
}

} // namespace torc::detail

#endif
