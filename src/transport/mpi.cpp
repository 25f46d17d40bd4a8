// SPDX-License-Identifier: MIT
#if TORC_HAS_MPI

#include "transport/mpi.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "transport/mpi_pages.hpp"
#include "transport/mpi_session.hpp"
#include "transport/mpi_survivors.hpp"
#include "transport/mpi_transfers.hpp"

namespace torc::detail {

namespace {

/// What Open MPI sends to a process of this host eagerly is 4096 bytes with its own header.
constexpr std::size_t packet_bytes = 4000;
constexpr std::size_t ring_size = 32; // receives posted in advance
constexpr int packet_tag = 0;

/// In a packet a frame announces a message. Behind it come the sizes of the blocks and the head,
/// `here` bytes; or, if those do not fit into a packet, nothing, and they are messages of their
/// own.
struct frame {
  std::uint32_t here;
  std::uint32_t blocks;
  std::uint64_t head;
  std::uint64_t ticket;
};
static_assert(sizeof(std::size_t) == sizeof(std::uint64_t));

struct packet {
  std::size_t used = 0;
  std::array<std::byte, packet_bytes> data;
};

class mpi_transport final : public transport {
public:
  mpi_transport();
  ~mpi_transport() override;

  int rank() const noexcept override { return rank_; }
  int size() const noexcept override { return size_; }
  std::vector<bytes> gather(const bytes& mine) override;
  void make_pages(const std::vector<int>& workers) override {
    pages_.make(session_.comm(), workers);
  }
  rank_page* page(int rank) noexcept override { return pages_.page(rank); }
  void expect_losses() override { survivors_.emplace(session_.comm()); }
  bool gone(int rank) noexcept override { return pages_.gone(rank); }
  void lost(int rank) override;
  void send(int to, message&& m) override;
  void flush() override;
  void fetch(const arrival& a, std::vector<std::span<std::byte>> to,
             std::function<void()> done) override;
  bool poll(receiver& r) override;
  bool flushed() const noexcept override { return dirty_.empty() && !transfers_.sending(); }
  bool moving() const noexcept override { return !transfers_.none(); }
  bool closed() override;

private:
  struct slot {
    MPI_Request request = MPI_REQUEST_NULL;
    std::array<std::byte, packet_bytes> data;
  };
  enum class stage { open, leaving, counting, draining, parting, closed };

  bool idle() const { return flushed() && transfers_.none(); }
  void post(slot& s);
  std::byte* room(int to, std::size_t bytes);
  void flush(int to);
  void take(int from, std::span<const std::byte> packet, receiver& r);

  mpi_session session_;
  MPI_Comm comm_;
  int rank_;
  int size_;

  std::vector<packet*> open_; ///< the packet being filled, for each rank; null: none
  std::vector<int> dirty_;    ///< the ranks that have one
  std::vector<std::unique_ptr<packet>> packets_;
  std::vector<packet*> free_;
  std::vector<std::uint64_t> tickets_; ///< last one used, for each destination
  std::vector<std::uint64_t> sent_;    ///< packets, for each destination

  std::vector<slot> ring_{ring_size};
  std::size_t oldest_ = 0;
  std::uint64_t received_ = 0; ///< packets

  mpi_transfers transfers_{comm_};

  stage stage_ = stage::open;
  MPI_Request collective_ = MPI_REQUEST_NULL;
  std::uint64_t expected_ = 0;

  mpi_pages pages_;
  std::optional<mpi_survivors> survivors_;
  std::vector<bool> lost_ = std::vector<bool>(open_.size()); ///< by rank
};

mpi_transport::mpi_transport()
    : comm_(session_.comm()),
      rank_(session_.comm().rank()),
      size_(session_.comm().size()),
      open_(static_cast<std::size_t>(size_)),
      tickets_(open_.size()),
      sent_(open_.size()) {
  for (slot& s : ring_) {
    post(s);
  }
}

/// After `closed` the ranks get here together. If that has not been reached something has gone
/// wrong, and nothing may be waited for.
mpi_transport::~mpi_transport() {
  for (slot& s : ring_) {
    MPI_Cancel(&s.request);
    MPI_Wait(&s.request, MPI_STATUS_IGNORE); // returns at once: cancelled
  }
  if (stage_ == stage::closed && !survivors_) { // these calls wait for all
    pages_.release();
    session_.end_well();
  }
}

std::vector<bytes> mpi_transport::gather(const bytes& mine) {
  bytes all(mine.size() * open_.size());
  const int count = static_cast<int>(mine.size());
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Iallgather(mine.data(), count, MPI_BYTE, all.data(), count, MPI_BYTE, comm_, &request),
        "MPI_Iallgather");
  wait_for(request, "MPI_Iallgather");
  std::vector<bytes> result;
  for (std::size_t i = 0; i < open_.size(); ++i) {
    const std::byte* begin = all.data() + i * mine.size();
    result.emplace_back(begin, begin + mine.size());
  }
  return result;
}

void mpi_transport::post(slot& s) {
  check(MPI_Irecv(s.data.data(), packet_bytes, MPI_BYTE, MPI_ANY_SOURCE, packet_tag, comm_,
                  &s.request),
        "MPI_Irecv");
}

/// Where the next `bytes` bytes for a rank go.
std::byte* mpi_transport::room(int to, std::size_t bytes) {
  packet*& p = open_[static_cast<std::size_t>(to)];
  if (p != nullptr && p->used + bytes > packet_bytes) flush(to);
  if (p == nullptr) {
    if (free_.empty()) free_.push_back(packets_.emplace_back(std::make_unique<packet>()).get());
    p = free_.back();
    free_.pop_back();
    p->used = 0;
    dirty_.push_back(to);
  }
  return p->data.data() + std::exchange(p->used, p->used + bytes);
}

/// Sends the packet of one rank, which stays in `dirty_` if it is there.
void mpi_transport::flush(int to) {
  packet* p = std::exchange(open_[static_cast<std::size_t>(to)], nullptr);
  if (p == nullptr) return;
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Isend(p->data.data(), static_cast<int>(p->used), MPI_BYTE, to, packet_tag, comm_,
                  &request),
        "MPI_Isend");
  ++sent_[static_cast<std::size_t>(to)];
  int done = 0; // mostly: it has been copied
  check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Isend");
  if (done != 0) {
    free_.push_back(p);
  } else {
    transfers_.add(transfers_.begin(to, true, [this, p](receiver&) { free_.push_back(p); }),
                   request);
  }
}

void mpi_transport::flush() {
  for (const int to : dirty_) {
    flush(to);
  }
  dirty_.clear();
}

void mpi_transport::send(int to, message&& m) {
  assert(stage_ <= stage::leaving);
  std::vector<std::size_t> sizes;
  for (const auto& block : m.blocks) {
    sizes.push_back(block.size());
  }
  const auto size_bytes = std::as_bytes(std::span(sizes));
  const std::size_t inside = size_bytes.size() + m.head.size();
  const bool fits = sizeof(frame) + inside <= packet_bytes;
  const bool alone = fits && m.blocks.empty();
  const std::uint64_t ticket = alone ? 0 : ++tickets_[static_cast<std::size_t>(to)];
  const frame f{static_cast<std::uint32_t>(fits ? inside : 0),
                static_cast<std::uint32_t>(sizes.size()), m.head.size(), ticket};
  std::byte* at = room(to, sizeof f + f.here);
  at = std::copy_n(reinterpret_cast<const std::byte*>(&f), sizeof f, at);
  if (fits) {
    at = std::copy(size_bytes.begin(), size_bytes.end(), at);
    std::copy(m.head.begin(), m.head.end(), at);
  }
  if (alone) return;

  flush(to); // the receiver should know before the rest comes
  auto kept = std::make_shared<message>(std::move(m));
  const auto t = transfers_.begin(to, true, [kept, sizes = std::move(sizes)](receiver&) {});
  if (!fits) {                              // sizes and head, then the blocks
    transfers_.send(t, size_bytes, ticket); // a moved vector's elements stay where they are
    transfers_.send(t, std::as_bytes(std::span(kept->head)), ticket);
  }
  for (const auto& block : kept->blocks) {
    transfers_.send(t, block, ticket);
  }
  transfers_.end(t);
}

void mpi_transport::fetch(const arrival& a, std::vector<std::span<std::byte>> to,
                          std::function<void()> done) {
  assert(to.size() == a.block_sizes.size());
  const auto t = transfers_.begin(a.from, false, [done = std::move(done)](receiver&) { done(); });
  for (const auto& block : to) {
    transfers_.receive(t, block, a.ticket);
  }
  transfers_.end(t);
}

/// Takes a packet to pieces.
void mpi_transport::take(int from, std::span<const std::byte> packet, receiver& r) {
  while (!packet.empty()) {
    frame f{};
    bool whole = packet.size() >= sizeof f;
    if (whole) {
      std::memcpy(&f, packet.data(), sizeof f);
      packet = packet.subspan(sizeof f);
      whole = f.here <= packet.size() &&
              (f.here == 0 || f.here == f.blocks * sizeof(std::size_t) + f.head);
    }
    if (!whole) die("a malformed message has come from rank " + std::to_string(from));
    arrival a{from, bytes(f.head), std::vector<std::size_t>(f.blocks), f.ticket};
    const auto head = std::span(a.head);
    const auto sizes = std::as_writable_bytes(std::span(a.block_sizes));
    if (f.here == 0 && f.blocks + f.head != 0) {
      auto kept = std::make_shared<arrival>(std::move(a));
      const auto t =
          transfers_.begin(from, false, [kept](receiver& to) { to.receive(std::move(*kept)); });
      transfers_.receive(t, sizes, f.ticket);
      transfers_.receive(t, head, f.ticket);
    } else {
      std::copy_n(packet.begin(), sizes.size(), sizes.begin());
      packet = packet.subspan(sizes.size());
      std::copy_n(packet.begin(), head.size(), head.begin());
      packet = packet.subspan(head.size());
      r.receive(std::move(a));
    }
  }
}

void mpi_transport::lost(int rank) {
  session_.end_for_good();
  lost_[static_cast<std::size_t>(rank)] = true;
  if (packet* const p = std::exchange(open_[static_cast<std::size_t>(rank)], nullptr)) {
    free_.push_back(p);
  }
  transfers_.lost(rank);
}

bool mpi_transport::poll(receiver& r) {
  flush();
  bool any = false;
  for (std::size_t i = 0; i < ring_size; ++i) {
    slot& s = ring_[oldest_]; // they match in the order they were posted
    int done = 0;
    MPI_Status status;
    check(MPI_Test(&s.request, &done, &status), "MPI_Irecv");
    if (done == 0) break;
    any = true;
    ++received_;
    int count = 0;
    check(MPI_Get_count(&status, MPI_BYTE, &count), "MPI_Get_count");
    if (!lost_[static_cast<std::size_t>(status.MPI_SOURCE)])
      take(status.MPI_SOURCE, std::span(s.data).first(static_cast<std::size_t>(count)), r);
    post(s);
    oldest_ = (oldest_ + 1) % ring_size;
  }
  if (!transfers_.none()) any |= transfers_.advance(r);
  flush();
  return any;
}

/// A rank may call this first while others still wait for its answers; it goes on to answer until
/// the barrier at the end of `leaving`, which no rank enters that waits for something. From there
/// on nobody sends, and the packets each rank has been sent can be counted and waited for.
bool mpi_transport::closed() {
  flush();
  if (survivors_) {
    const auto gone = [this](int r) { return lost_[static_cast<std::size_t>(r)] || this->gone(r); };
    if (survivors_->parted(gone)) stage_ = stage::closed;
    return stage_ == stage::closed;
  }
  if (collective_ != MPI_REQUEST_NULL) {
    int done = 0;
    check(MPI_Test(&collective_, &done, MPI_STATUS_IGNORE), "closing");
    if (done == 0) return false;
    stage_ = stage_ == stage::leaving    ? stage::counting
             : stage_ == stage::counting ? stage::draining
                                         : stage::closed;
  }
  if (stage_ == stage::open && idle()) {
    stage_ = stage::leaving;
    check(MPI_Ibarrier(comm_, &collective_), "MPI_Ibarrier");
  } else if (stage_ == stage::counting && flushed()) {
    check(MPI_Ireduce_scatter_block(sent_.data(), &expected_, 1, MPI_UINT64_T, MPI_SUM, comm_,
                                    &collective_),
          "MPI_Ireduce_scatter_block");
  } else if (stage_ == stage::draining && received_ >= expected_ && idle()) {
    stage_ = stage::parting;
    check(MPI_Ibarrier(comm_, &collective_), "MPI_Ibarrier");
  }
  return stage_ == stage::closed;
}

} // namespace

std::unique_ptr<transport> make_mpi_transport() { return std::make_unique<mpi_transport>(); }

} // namespace torc::detail

#endif
