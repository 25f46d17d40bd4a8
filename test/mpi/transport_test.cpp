// SPDX-License-Identifier: MIT
// The MPI transport by itself: everything arrives once and whole, pages are shared, the end is
// clean, and so is a bad one.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <torc/mpi.hpp>

#include "transport/mpi.hpp"

using namespace torc::detail;

namespace {

int my_rank = -1;
std::string mode; ///< what is tested

void expect(bool right, const char* what) {
  if (!right) {
    std::fprintf(stderr, "rank %d: wrong: %s\n", my_rank, what);
    std::_Exit(1);
  }
}

/// Contents that depend on who sends what, so that nothing can be taken for anything else.
std::byte content(std::uint64_t seed, std::size_t i) {
  return static_cast<std::byte>((seed * 0x9E3779B97F4A7C15U + i * 0xD1B54A32D192ED03U) >> 56);
}
bytes filled(std::size_t size, std::uint64_t seed) {
  bytes result(size);
  for (std::size_t i = 0; i < size; ++i) {
    result[i] = content(seed, i);
  }
  return result;
}
bool holds(std::span<const std::byte> data, std::uint64_t seed) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (data[i] != content(seed, i)) return false;
  }
  return true;
}

/// The head of a message begins with this.
struct label {
  std::uint64_t number; ///< counted for each pair of ranks
  std::uint64_t seed;
  enum { one_way, question, answer } kind;
};

bytes head_of(const label& l, std::size_t size) {
  bytes head = filled(std::max(size, sizeof l), l.seed);
  std::memcpy(head.data(), &l, sizeof l);
  return head;
}

class traffic final : public receiver {
public:
  traffic(transport& t, unsigned seed)
      : t_(t),
        random_(seed + static_cast<unsigned>(t.rank())),
        next_(static_cast<std::size_t>(t.size())),
        seen_(next_.size()) {}

  void send_something(int to, decltype(label::kind) kind) {
    static constexpr std::size_t border = 4000;
    switch (pick(0, 9)) {
    case 0:
      return send(to, pick(border - 64, border + 200), {}, kind);
    case 1:
      return send(to, pick(10000, 300000), {}, kind);
    case 2:
      return send(to, pick(0, 200), {pick(0, 100), pick(0, 100000)}, kind);
    case 3:
      return send(to, pick(0, 9000), {pick(0, 9000), 0, pick(0, 9000)}, kind);
    case 4:
      if (pick(0, 29) == 0) return send(to, 12'000'000, {pick(0, 9'000'000)}, kind);
      if (pick(0, 29) == 0) return send(to, 30, std::vector<std::size_t>(pick(0, 900), 17), kind);
      [[fallthrough]];
    default:
      return send(to, pick(0, 300), {}, kind);
    }
  }

  void receive(arrival&& a) override {
    label l{};
    expect(a.head.size() >= sizeof l, "length of a head");
    std::memcpy(&l, a.head.data(), sizeof l);
    bytes whole = head_of(l, a.head.size());
    expect(whole == a.head, "contents of a head");
    auto& seen = seen_[static_cast<std::size_t>(a.from)];
    expect(seen.emplace(l.number, true).second, "a message came twice");
    expect(l.seed >> 40 == static_cast<std::uint64_t>(a.from), "sender");
    if (l.kind == label::question) send_something(a.from, label::answer);
    if (l.kind == label::answer) --unanswered;
    if (a.block_sizes.empty()) return;
    ++fetching;
    auto blocks = std::make_shared<std::vector<bytes>>();
    std::vector<std::span<std::byte>> to;
    for (const std::size_t size : a.block_sizes) {
      blocks->emplace_back(size);
    }
    for (bytes& block : *blocks) {
      to.emplace_back(block);
    }
    auto fetch = [this, a = std::move(a), to, blocks, seed = l.seed] {
      t_.fetch(a, to, [this, blocks, seed] {
        for (std::size_t i = 0; i < blocks->size(); ++i) {
          expect(holds((*blocks)[i], seed + i + 1), "contents of a block");
        }
        --fetching;
      });
    };
    if (pick(0, 1) == 0) {
      fetch();
    } else {
      later.emplace_back(std::move(fetch));
    }
  }

  std::size_t seen_from(int rank) const { return seen_[static_cast<std::size_t>(rank)].size(); }
  std::uint64_t sent_to(int rank) const { return next_[static_cast<std::size_t>(rank)]; }
  std::size_t pick(std::size_t low, std::size_t high) {
    return std::uniform_int_distribution<std::size_t>(low, high)(random_);
  }

  int fetching = 0;
  int unanswered = 0;
  int owners = 0; ///< of blocks that are not sent yet
  std::vector<std::function<void()>> later;

private:
  void send(int to, std::size_t size, const std::vector<std::size_t>& blocks,
            decltype(label::kind) kind) {
    if (kind == label::question) ++unanswered;
    const std::uint64_t number = next_[static_cast<std::size_t>(to)]++;
    const std::uint64_t seed = static_cast<std::uint64_t>(t_.rank()) << 40 | number << 12;
    message m{head_of({number, seed, kind}, size), {}, nullptr};
    if (!blocks.empty()) {
      auto contents = std::make_shared<std::vector<bytes>>();
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        contents->push_back(filled(blocks[i], seed + i + 1));
        m.blocks.emplace_back(contents->back());
      }
      ++owners;
      // Whoever sends from a block after it has been given back is found out.
      m.owner = {contents.get(), [this, contents](void*) {
                   for (bytes& b : *contents) {
                     std::fill(b.begin(), b.end(), std::byte{0xEE});
                   }
                   --owners;
                 }};
    }
    t_.send(to, std::move(m));
  }

  transport& t_;
  std::mt19937 random_;
  std::vector<std::uint64_t> next_;
  std::vector<std::map<std::uint64_t, bool>> seen_;
};

void test_traffic(transport& t) {
  traffic all(t, 7);
  const std::size_t messages = 3000U / static_cast<unsigned>(t.size());
  for (std::size_t i = 0; i < messages; ++i) {
    all.send_something(static_cast<int>(all.pick(0, static_cast<std::size_t>(t.size()) - 1)),
                       all.pick(0, 2) == 0 ? label::question : label::one_way);
    if (all.pick(0, 3) == 0) t.poll(all);
    if (all.pick(0, 200) == 0) t.flush();
    if (!all.later.empty() && all.pick(0, 20) == 0) std::exchange(all.later.back(), [] {})();
  }
  // Nobody may begin to close who waits for an answer; but who does begin still has to answer.
  while (all.unanswered > 0 || !t.closed()) {
    for (auto& fetch : std::exchange(all.later, {})) {
      fetch();
    }
    if (!t.poll(all)) std::this_thread::yield();
  }
  expect(all.later.empty() && all.fetching == 0, "closed while blocks are missing");
  expect(all.owners == 0, "owners are given back");
  std::vector<std::uint64_t> sent;
  for (int i = 0; i < t.size(); ++i) {
    sent.push_back(all.sent_to(i));
  }
  const auto raw = std::as_bytes(std::span(sent));
  const std::vector<bytes> everybodys = t.gather(bytes(raw.begin(), raw.end()));
  std::size_t total = 0;
  for (int i = 0; i < t.size(); ++i) {
    const auto mine = static_cast<std::size_t>(t.rank());
    std::memcpy(sent.data(), everybodys[static_cast<std::size_t>(i)].data(), raw.size());
    expect(all.seen_from(i) == sent[mine], "as many have come as were sent");
    total += sent[mine];
  }
  std::printf("rank %d: %zu messages\n", t.rank(), total);
}

void test_pages(transport& t) {
  t.make_pages([&] {
    std::vector<int> workers;
    for (int i = 0; i < t.size(); ++i) {
      workers.push_back(i + 1);
    }
    return workers;
  }());
  for (int i = 0; i < t.size(); ++i) { // all on this host
    rank_page* page = t.page(i);
    expect(page != nullptr && reinterpret_cast<std::uintptr_t>(page) % 64 == 0, "page");
    expect(page->workers == static_cast<std::uint32_t>(i + 1), "workers of a page");
    for (int w = 0; w <= i; ++w) {
      expect(page->fronts()[w].guard.load() && page->fronts()[w].head.load() == nullptr,
             "a front is constructed");
    }
  }
  for (int i = 0; i < t.size(); ++i) {
    t.page(i)->bell.fetch_add(1);
    t.page(i)->fronts()[i].tasks_run.fetch_add(2);
  }
  t.gather({});
  t.gather({std::byte{1}});
  rank_page* mine = t.page(t.rank());
  expect(mine->bell.load() == static_cast<std::uint32_t>(t.size()), "everybody rings my bell");
  expect(mine->fronts()[t.rank()].tasks_run.load() == 2U * static_cast<unsigned>(t.size()),
         "everybody writes to my fronts");
}

void test_communicator() {
  const boost::mpi::communicator users = torc::communicator();
  int sum = 0;
  const int one = 1;
  MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, users);
  expect(sum == users.size(), "the user's communicator");
}

/// Counts what comes.
struct counter final : receiver {
  void receive(arrival&& a) override {
    last = std::move(a);
    ++count;
  }
  arrival last;
  int count = 0;
};

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void measure(transport& t) {
  counter c;
  const int other = 1 - t.rank();
  int in_vain = 0;
  auto poll = [&] { // gives way where the cores are not ours alone
    in_vain = t.poll(c) ? 0 : in_vain + 1;
    if (in_vain > 20000) std::this_thread::sleep_for(std::chrono::microseconds(20));
  };
  int expected = 0; // the other rank may be ahead by one
  auto receive = [&] {
    ++expected;
    while (c.count < expected) {
      poll();
    }
  };
  auto ping_pong = [&](int rounds, const std::function<void()>& send) {
    for (int i = 0; i < rounds; ++i) {
      if (t.rank() == 0) send();
      receive();
      if (t.rank() == 1) send();
    }
    while (!t.flushed()) {
      poll();
    }
  };
  for (const std::size_t size : {16, 1000, 3976, 3977}) {
    auto send = [&] {
      t.send(other, {bytes(size), {}, nullptr});
      t.flush();
    };
    ping_pong(100, send);
    const int rounds = 2000;
    const double start = seconds();
    ping_pong(rounds, send);
    if (t.rank() == 0) {
      std::printf("%5zu bytes: %.0f ns half a round trip\n", size,
                  (seconds() - start) / rounds / 2 * 1e9);
    }
  }
  bytes block(1 << 20);
  bytes destination(block.size());
  const int rounds = 100;
  double start = seconds();
  bool fetched = false;
  for (int i = 0; i < rounds; ++i) {
    auto send = [&] { t.send(other, {bytes(16), {block}, nullptr}); };
    auto fetch = [&] {
      receive();
      fetched = false;
      t.fetch(c.last, {destination}, [&] { fetched = true; });
      while (!fetched) {
        poll();
      }
    };
    if (t.rank() == 0) send();
    fetch();
    if (t.rank() == 1) send();
  }
  while (!t.flushed()) {
    poll();
  }
  if (t.rank() == 0) {
    std::printf("1 MiB blocks: %.2f GB/s\n",
                2.0 * rounds * static_cast<double>(block.size()) / (seconds() - start) / 1e9);
  }
  const int polls = 200000;
  start = seconds();
  for (int i = 0; i < polls; ++i) {
    t.poll(c);
  }
  if (t.rank() == 0) std::printf("poll for nothing: %.0f ns\n", (seconds() - start) / polls * 1e9);
}

void close(transport& t) {
  counter c;
  while (!t.closed()) {
    t.poll(c);
  }
}

/// Ranks that poll for what never comes; one of them leaves in the way named.
void leave_early(transport& t) {
  counter c;
  const double end = seconds() + (t.rank() == 1 ? 0.1 : 50);
  while (seconds() < end) {
    t.poll(c);
  }
  if (mode == "killed") std::raise(SIGKILL);
  if (mode == "exit") std::exit(3);
}

} // namespace

/// MPI's profiling interface lets a test stand between torc and MPI.
extern "C" int MPI_Isend(const void* data, int count, MPI_Datatype type, int to, int tag,
                         MPI_Comm comm, MPI_Request* request) {
  if (mode == "failing") return MPI_ERR_OTHER;
  if (mode == "malformed") std::memset(const_cast<void*>(data), 0x7F, 4);
  return PMPI_Isend(data, count, type, to, tag, comm, request);
}

// transport_test traffic | latency | start | killed | exit | thrown | level | alone | failing |
// malformed
int main(int argc, char** argv) {
  mode = argc > 1 ? argv[1] : "traffic";
  expect(under_mpi_launcher() == (mode != "alone"), "started by mpirun");
  try {
    torc::communicator();
    expect(false, "no communicator outside a session");
  } catch (const std::logic_error&) {
  }
  if (mode == "alone") {
    int initialised = 1;
    MPI_Initialized(&initialised);
    expect(initialised == 0, "MPI is left alone");
    return 0;
  }
  if (mode == "level") {
    int granted = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SINGLE, &granted);
  }
  const int sessions = mode == "traffic" ? 2 : 1;
  for (int session = 0; session < sessions; ++session) {
    const std::unique_ptr<transport> t = make_mpi_transport();
    my_rank = t->rank();
    if (mode == "killed" || mode == "exit") leave_early(*t);
    if (mode == "thrown") break;
    test_pages(*t);
    test_communicator();
    if (mode == "traffic") test_traffic(*t);
    if (mode == "latency") measure(*t);
    if (mode != "traffic" && my_rank == 0) t->send(1 % t->size(), {bytes(16), {}, nullptr});
    close(*t);
  }
  if (mode == "thrown") { // as after an exception: the transport has not been closed
    std::this_thread::sleep_for(std::chrono::seconds(my_rank == 1 ? 0 : 50));
    return 3;
  }
  return 0;
}
