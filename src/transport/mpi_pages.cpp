// SPDX-License-Identifier: MIT
#if TORC_HAS_MPI

#include "transport/mpi_pages.hpp"

#include <cerrno>
#include <csignal>
#include <memory>
#include <new>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "transport/mpi_session.hpp"

namespace torc::detail {

namespace mpi = boost::mpi;

void mpi_pages::make(const mpi::communicator& comm, const std::vector<int>& workers) {
  MPI_Comm split = MPI_COMM_NULL;
  check(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, comm.rank(), MPI_INFO_NULL, &split),
        "MPI_Comm_split_type");
  const mpi::communicator host(split, mpi::comm_take_ownership);

  pages_.resize(workers.size());

  const auto mine = static_cast<std::size_t>(workers[static_cast<std::size_t>(comm.rank())]);
  const std::size_t size = sizeof(rank_page) + mine * sizeof(front);
  void* base = nullptr;
  // More than the size, because MPI promises no alignment.
  check(MPI_Win_allocate_shared(static_cast<MPI_Aint>(size + alignof(rank_page)), 1, MPI_INFO_NULL,
                                host, static_cast<void*>(&base), &window_),
        "MPI_Win_allocate_shared");

  MPI_Group all_ranks = MPI_GROUP_NULL;
  MPI_Group host_ranks = MPI_GROUP_NULL;
  check(MPI_Comm_group(comm, &all_ranks), "MPI_Comm_group");
  check(MPI_Comm_group(host, &host_ranks), "MPI_Comm_group");
  for (int i = 0; i < host.size(); ++i) {
    int rank = 0;
    MPI_Aint length = 0;
    int unit = 0;
    check(MPI_Group_translate_ranks(host_ranks, 1, &i, all_ranks, &rank),
          "MPI_Group_translate_ranks");
    check(MPI_Win_shared_query(window_, i, &length, &unit, static_cast<void*>(&base)),
          "MPI_Win_shared_query");
    // The same place for all: the memory is mapped by pages, so addresses differ by whole pages.
    auto space = static_cast<std::size_t>(length);
    base = std::align(alignof(rank_page), space - alignof(rank_page), base, space);
    pages_[static_cast<std::size_t>(rank)] = static_cast<rank_page*>(base);
  }
  MPI_Group_free(&host_ranks);
  MPI_Group_free(&all_ranks);

  rank_page* page = new (pages_[static_cast<std::size_t>(comm.rank())]) rank_page;
  page->workers = static_cast<std::uint32_t>(mine);
  page->pid = getpid();
  for (std::size_t i = 0; i < mine; ++i) {
    new (page->fronts() + i) front;
  }
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Ibarrier(comm, &request), "MPI_Ibarrier");
  wait_for(request, "MPI_Ibarrier");
  // Not by their numbers later on, which may be used again.
  for (rank_page* const other : pages_) {
    processes_.push_back(
        other == nullptr || other == page
            ? -1
            : static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(other->pid), 0)));
  }
}

mpi_pages::~mpi_pages() {
  for (const int fd : processes_) {
    if (fd >= 0) {
      close(fd);
    }
  }
}

bool mpi_pages::gone(int rank) const noexcept {
  const rank_page* const other = page(rank);
  if (other == nullptr || other->pid == getpid()) {
    return false;
  }
  if (const int fd = processes_[static_cast<std::size_t>(rank)]; fd >= 0) {
    pollfd p{.fd = fd, .events = POLLIN, .revents = 0};
    return poll(&p, 1, 0) > 0;
  }
  return kill(other->pid, 0) != 0 && errno == ESRCH; // a kernel before 5.3
}

void mpi_pages::release() {
  if (window_ != MPI_WIN_NULL) MPI_Win_free(&window_);
  pages_.clear();
}

} // namespace torc::detail

#endif
