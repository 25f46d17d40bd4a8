// SPDX-License-Identifier: MIT
#if TORC_HAS_MPI

#include "transport/mpi_transfers.hpp"

#include <algorithm>
#include <array>
#include <boost/mpi/environment.hpp>
#include <utility>

#include "transport/mpi_session.hpp"

namespace torc::detail {

namespace {

constexpr std::size_t chunk_bytes = 1 << 30; // MPI counts bytes in an int

/// `start(begin, bytes)` for each chunk.
template <class Byte, class Start>
void in_chunks(std::span<Byte> what, const Start& start) {
  while (!what.empty()) {
    const std::size_t n = std::min(what.size(), chunk_bytes);
    start(what.data(), static_cast<int>(n));
    what = what.subspan(n);
  }
}

} // namespace

mpi_transfers::mpi_transfers(MPI_Comm comm)
    : comm_(comm), last_tag_(boost::mpi::environment::max_tag()) {}

int mpi_transfers::tag_of(std::uint64_t ticket) const {
  return static_cast<int>(1 + ticket % static_cast<std::uint64_t>(last_tag_));
}

mpi_transfers::pointer mpi_transfers::begin(int peer, bool outgoing, action done) {
  if (outgoing) ++sending_;
  return std::make_shared<transfer>(transfer{std::move(done), peer, outgoing});
}

void mpi_transfers::add(const pointer& t, MPI_Request request) {
  ++t->left;
  requests_.push_back(request);
  transfers_.push_back(t);
}

void mpi_transfers::send(const pointer& t, std::span<const std::byte> what, std::uint64_t ticket) {
  in_chunks(what, [&](const std::byte* begin, int n) {
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Isend(begin, n, MPI_BYTE, t->peer, tag_of(ticket), comm_, &request), "MPI_Isend");
    add(t, request);
  });
}

void mpi_transfers::receive(const pointer& t, std::span<std::byte> what, std::uint64_t ticket) {
  in_chunks(what, [&](std::byte* begin, int n) {
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Irecv(begin, n, MPI_BYTE, t->peer, tag_of(ticket), comm_, &request), "MPI_Irecv");
    add(t, request);
  });
}

void mpi_transfers::end(const pointer& t) {
  if (t->left == 0) ready_.push_back(t);
}

/// Takes a request out.
mpi_transfers::pointer mpi_transfers::remove(std::size_t at) {
  pointer t = std::move(transfers_[at]);
  transfers_[at] = std::move(transfers_.back());
  transfers_.pop_back();
  requests_[at] = requests_.back();
  requests_.pop_back();
  return t;
}

bool mpi_transfers::advance(receiver& r) {
  std::vector<pointer> finished = std::exchange(ready_, {});
  if (!requests_.empty()) {
    std::array<int, 64> indices{};
    if (cursor_ >= requests_.size()) cursor_ = 0;
    const std::size_t n = std::min(indices.size(), requests_.size() - cursor_);
    int count = 0;
    check(MPI_Testsome(static_cast<int>(n), requests_.data() + cursor_, &count, indices.data(),
                       MPI_STATUSES_IGNORE),
          "MPI_Testsome");
    count = std::max(count, 0); // MPI_UNDEFINED is negative; none of these are null, though
    // From behind, so that what fills a gap has been looked at.
    std::sort(indices.begin(), indices.begin() + count, std::greater<>());
    for (int i = 0; i < count; ++i) {
      pointer t = remove(cursor_ + static_cast<std::size_t>(indices[static_cast<std::size_t>(i)]));
      if (--t->left == 0) finished.push_back(std::move(t));
    }
    cursor_ += n;
  }
  for (const pointer& t : finished) { // may send and fetch
    if (t->outgoing) --sending_;
    t->done(r);
  }
  return !finished.empty();
}

void mpi_transfers::lost(int rank) {
  for (std::size_t i = requests_.size(); i-- > 0;) {
    if (transfers_[i]->peer != rank) continue;
    pointer t = remove(i);
    if (std::exchange(t->left, 0) != 0 && t->outgoing) --sending_;
    abandoned_.push_back(std::move(t));
  }
}

} // namespace torc::detail

#endif
