// SPDX-License-Identifier: MIT
#if TORC_HAS_MPI

#include "transport/mpi.hpp"

#include <algorithm>
#include <array>
#include <boost/mpi/environment.hpp>
#include <cassert>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "transport/mpi_pages.hpp"
#include "transport/mpi_session.hpp"
#include "transport/mpi_survivors.hpp"

namespace torc::detail {

namespace {

/// What Open MPI sends to a process of this host eagerly is 4096 bytes with its own header.
constexpr std::size_t packet_bytes = 4000;
constexpr std::size_t ring_size = 32;        // receives posted in advance
constexpr std::size_t chunk_bytes = 1 << 30; // MPI counts bytes in an int
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

/// Some sends or receives that are complete together.
struct transfer {
  std::function<void(receiver&)> done;
  int peer;
  bool outgoing;
  std::size_t left = 0; ///< requests that are not complete
};
using transfer_ptr = std::shared_ptr<transfer>;

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
  bool flushed() const noexcept override { return dirty_.empty() && sending_ == 0; }
  bool moving() const noexcept override { return !requests_.empty() || !ready_.empty(); }
  bool closed() override;

private:
  struct slot {
    MPI_Request request = MPI_REQUEST_NULL;
    std::array<std::byte, packet_bytes> data;
  };
  enum class stage { open, leaving, counting, draining, parting, closed };

  int tag_of(std::uint64_t ticket) const {
    return static_cast<int>(1 + ticket % static_cast<std::uint64_t>(last_tag_));
  }
  bool idle() const { return flushed() && requests_.empty() && ready_.empty(); }
  void post(slot& s);
  std::byte* room(int to, std::size_t bytes);
  void flush(int to);
  transfer_ptr begin(int peer, bool outgoing, std::function<void(receiver&)> done);
  void add(const transfer_ptr& t, MPI_Request request);
  template <class Byte>
  void apart(const transfer_ptr& t, std::span<Byte> what, int peer, int tag);
  void take(int from, std::span<const std::byte> packet, receiver& r);
  bool advance(receiver& r);

  mpi_session session_;
  MPI_Comm comm_;
  int rank_;
  int size_;
  int last_tag_;

  std::vector<packet*> open_; ///< the packet being filled, for each rank; null: none
  std::vector<int> dirty_;    ///< the ranks that have one
  std::vector<std::unique_ptr<packet>> packets_;
  std::vector<packet*> free_;
  std::vector<std::uint64_t> tickets_; ///< last one used, for each destination
  std::vector<std::uint64_t> sent_;    ///< packets, for each destination

  std::vector<slot> ring_{ring_size};
  std::size_t oldest_ = 0;
  std::uint64_t received_ = 0; ///< packets

  std::vector<MPI_Request> requests_;   ///< all but the ring's
  std::vector<transfer_ptr> transfers_; ///< which transfer each belongs to
  std::vector<transfer_ptr> ready_;     ///< those that had nothing to do
  std::size_t cursor_ = 0;              ///< the first request `advance` looks at
  std::size_t sending_ = 0;             ///< outgoing transfers

  stage stage_ = stage::open;
  MPI_Request collective_ = MPI_REQUEST_NULL;
  std::uint64_t expected_ = 0;

  mpi_pages pages_;
  std::optional<mpi_survivors> survivors_;
  std::vector<bool> lost_ = std::vector<bool>(open_.size()); ///< by rank
  std::vector<transfer_ptr> abandoned_; ///< MPI may look at what is theirs for ever
};

mpi_transport::mpi_transport()
    : comm_(session_.comm()),
      rank_(session_.comm().rank()),
      size_(session_.comm().size()),
      last_tag_(boost::mpi::environment::max_tag()),
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
    add(begin(to, true, [this, p](receiver&) { free_.push_back(p); }), request);
  }
}

void mpi_transport::flush() {
  for (const int to : dirty_) {
    flush(to);
  }
  dirty_.clear();
}

transfer_ptr mpi_transport::begin(int peer, bool outgoing, std::function<void(receiver&)> done) {
  if (outgoing) ++sending_;
  return std::make_shared<transfer>(transfer{std::move(done), peer, outgoing});
}

void mpi_transport::add(const transfer_ptr& t, MPI_Request request) {
  ++t->left;
  requests_.push_back(request);
  transfers_.push_back(t);
}

/// Sends or receives. Chunks of one tag are received in the order they are sent, so both sides only
/// have to go through the same sequence: sizes and head (if apart), then the blocks. Nothing is
/// sent for no bytes.
template <class Byte>
void mpi_transport::apart(const transfer_ptr& t, std::span<Byte> what, int peer, int tag) {
  while (!what.empty()) {
    const int n = static_cast<int>(std::min(what.size(), chunk_bytes));
    MPI_Request request = MPI_REQUEST_NULL;
    if constexpr (std::is_const_v<Byte>) {
      check(MPI_Isend(what.data(), n, MPI_BYTE, peer, tag, comm_, &request), "MPI_Isend");
    } else {
      check(MPI_Irecv(what.data(), n, MPI_BYTE, peer, tag, comm_, &request), "MPI_Irecv");
    }
    add(t, request);
    what = what.subspan(static_cast<std::size_t>(n));
  }
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
  const transfer_ptr t = begin(to, true, [kept, sizes = std::move(sizes)](receiver&) {});
  if (!fits) {
    apart(t, size_bytes, to, tag_of(ticket)); // a moved vector's elements stay where they are
    apart(t, std::as_bytes(std::span(kept->head)), to, tag_of(ticket));
  }
  for (const auto& block : kept->blocks) {
    apart(t, block, to, tag_of(ticket));
  }
  if (t->left == 0) ready_.push_back(t);
}

void mpi_transport::fetch(const arrival& a, std::vector<std::span<std::byte>> to,
                          std::function<void()> done) {
  assert(to.size() == a.block_sizes.size());
  const transfer_ptr t = begin(a.from, false, [done = std::move(done)](receiver&) { done(); });
  for (const auto& block : to) {
    apart(t, block, a.from, tag_of(a.ticket));
  }
  if (t->left == 0) ready_.push_back(t);
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
      const transfer_ptr t =
          begin(from, false, [kept](receiver& to) { to.receive(std::move(*kept)); });
      apart(t, sizes, from, tag_of(f.ticket));
      apart(t, head, from, tag_of(f.ticket));
    } else {
      std::copy_n(packet.begin(), sizes.size(), sizes.begin());
      packet = packet.subspan(sizes.size());
      std::copy_n(packet.begin(), head.size(), head.begin());
      packet = packet.subspan(head.size());
      r.receive(std::move(a));
    }
  }
}

/// Ends transfers. Looks at a part of them in turn, so that many do not make every poll slow.
bool mpi_transport::advance(receiver& r) {
  std::vector<transfer_ptr> finished = std::exchange(ready_, {});
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
      const std::size_t at =
          cursor_ + static_cast<std::size_t>(indices[static_cast<std::size_t>(i)]);
      transfer_ptr t = std::move(transfers_[at]);
      transfers_[at] = std::move(transfers_.back());
      transfers_.pop_back();
      requests_[at] = requests_.back();
      requests_.pop_back();
      if (--t->left == 0) finished.push_back(std::move(t));
    }
    cursor_ += n;
  }
  for (const transfer_ptr& t : finished) { // may send and fetch
    if (t->outgoing) --sending_;
    t->done(r);
  }
  return !finished.empty();
}

void mpi_transport::lost(int rank) {
  session_.end_for_good();
  lost_[static_cast<std::size_t>(rank)] = true;
  if (packet* const p = std::exchange(open_[static_cast<std::size_t>(rank)], nullptr)) {
    free_.push_back(p);
  }
  for (std::size_t i = requests_.size(); i-- > 0;) {
    if (transfers_[i]->peer == rank) {
      if (std::exchange(transfers_[i]->left, 0) != 0 && transfers_[i]->outgoing) --sending_;
      abandoned_.push_back(std::move(transfers_[i]));
      transfers_[i] = std::move(transfers_.back());
      transfers_.pop_back();
      requests_[i] = requests_.back();
      requests_.pop_back();
    }
  }
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
  if (!requests_.empty() || !ready_.empty()) any |= advance(r);
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
