// SPDX-License-Identifier: MIT
#include "transport/in_process.hpp"

#include <barrier>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <utility>

namespace torc::detail {
namespace {

struct in_transit {
  int from = 0;
  message m;
  unsigned delay = 0; ///< polls still to wait
};

struct mailbox {
  std::mutex mutex;
  std::deque<in_transit> messages;
  atomic<bool> any{false};
};

struct page_memory {
  struct alignas(alignof(rank_page)) place : front {};
  explicit page_memory(int workers)
      : room(std::make_unique<place[]>(static_cast<std::size_t>(workers) + pages)) {
    page = new (room.get()) rank_page; // over `pages` fronts, which need no destruction
    page->workers = static_cast<std::uint32_t>(workers);
  }
  static constexpr std::size_t pages = sizeof(rank_page) / sizeof(place);
  static_assert(sizeof(rank_page) % sizeof(place) == 0 && sizeof(place) == sizeof(front));
  std::unique_ptr<place[]> room;
  rank_page* page;
};

} // namespace

struct in_process_net::state {
  explicit state(in_process_options o)
      : options(std::move(o)),
        boxes(options.hosts.size()),
        gathered(options.hosts.size()),
        gone(options.hosts.size()),
        together(static_cast<std::ptrdiff_t>(options.hosts.size())) {}

  in_process_options options;
  std::vector<mailbox> boxes;
  std::vector<bytes> gathered;
  std::vector<std::unique_ptr<page_memory>> pages;
  std::vector<atomic<bool>> gone;
  std::barrier<> together;
  atomic<int> closing{0};
};

namespace {

class in_process_transport final : public transport {
public:
  in_process_transport(in_process_net::state& net, int rank)
      : net_(net), rank_(rank), random_(net.options.seed * 1000 + static_cast<unsigned>(rank)) {}

  int rank() const noexcept override { return rank_; }
  int size() const noexcept override { return static_cast<int>(net_.boxes.size()); }
  std::string host() const override {
    return "host" + std::to_string(net_.options.hosts[at(rank_)]);
  }

  std::vector<bytes> gather(const bytes& mine) override {
    net_.gathered[at(rank_)] = mine;
    net_.together.arrive_and_wait();
    std::vector<bytes> all = net_.gathered;
    net_.together.arrive_and_wait();
    return all;
  }

  void make_pages(const std::vector<int>& workers) override {
    if (rank_ == 0) {
      for (const int n : workers) {
        net_.pages.push_back(std::make_unique<page_memory>(n));
      }
    }
    net_.together.arrive_and_wait();
  }
  rank_page* page(int rank) noexcept override {
    const auto& hosts = net_.options.hosts;
    return hosts[at(rank)] == hosts[at(rank_)] ? net_.pages[at(rank)]->page : nullptr;
  }

  void expect_losses() override {}
  bool gone(int rank) noexcept override {
    return net_.options.deaths_are_seen && net_.gone[at(rank)].load();
  }
  void lost(int) override {} // no blocks wait where losses are expected

  void send(int to, message&& m) override {
    if (net_.gone[at(rank_)].load()) {
      return;
    }
    mailbox& box = net_.boxes[at(to)];
    const unsigned most = net_.options.most_delay;
    const auto delay = most == 0 ? 0u : static_cast<unsigned>(random_() % (most + 1));
    const std::lock_guard locked(box.mutex);
    box.messages.push_back({rank_, std::move(m), delay});
    box.any.store(true, std::memory_order_release);
  }
  void flush() override {}

  void fetch(const arrival& a, std::vector<std::span<std::byte>> to,
             std::function<void()> done) override {
    const auto waiting = with_blocks_.find(a.ticket);
    const message& m = waiting->second;
    for (std::size_t i = 0; i < to.size(); ++i) {
      std::memcpy(to[i].data(), m.blocks[i].data(), to[i].size());
    }
    with_blocks_.erase(waiting); // and with it the sender's memory, if it owns that
    fetched_.push_back(std::move(done));
  }

  bool poll(receiver& r) override {
    bool any = !fetched_.empty();
    for (const auto& done : std::exchange(fetched_, {})) {
      done();
    }
    if (net_.gone[at(rank_)].load()) {
      return any;
    }
    mailbox& box = net_.boxes[at(rank_)];
    if (!box.any.load(std::memory_order_acquire)) {
      return any;
    }
    std::deque<in_transit> due;
    {
      const std::lock_guard locked(box.mutex);
      std::deque<in_transit> later;
      for (in_transit& t : box.messages) {
        (t.delay == 0 ? due : later).push_back(std::move(t));
      }
      for (in_transit& t : later) {
        --t.delay;
      }
      box.messages = std::move(later);
      if (!box.messages.empty()) { // whoever sleeps must not: that would be a long delay
        ring(*net_.pages[at(rank_)]->page);
      }
      box.any.store(!box.messages.empty(), std::memory_order_relaxed);
    }
    for (in_transit& t : due) {
      any = true;
      arrival a{.from = t.from, .head = std::move(t.m.head), .block_sizes = {}, .ticket = 0};
      if (!t.m.blocks.empty()) {
        for (const auto& block : t.m.blocks) {
          a.block_sizes.push_back(block.size());
        }
        a.ticket = ++tickets_;
        with_blocks_.emplace(a.ticket, std::move(t.m));
      }
      r.receive(std::move(a));
    }
    return any;
  }
  bool flushed() const noexcept override { return true; }
  bool moving() const noexcept override { return !fetched_.empty(); }
  bool closed() override {
    if (net_.gone[at(rank_)].load()) {
      return true;
    }
    if (!std::exchange(closing_, true)) {
      net_.closing.fetch_add(1);
    }
    return net_.closing.load() == size();
  }

private:
  static std::size_t at(int rank) noexcept { return static_cast<std::size_t>(rank); }

  in_process_net::state& net_;
  const int rank_;
  std::minstd_rand random_;
  std::map<std::uint64_t, message> with_blocks_;
  std::uint64_t tickets_ = 0;
  std::vector<std::function<void()>> fetched_;
  bool closing_ = false;
};

} // namespace

in_process_net::in_process_net(in_process_options options)
    : state_(std::make_unique<state>(std::move(options))) {}
in_process_net::~in_process_net() = default;

void in_process_net::kill(int rank) {
  if (!state_->gone[static_cast<std::size_t>(rank)].exchange(true)) {
    state_->closing.fetch_add(1);
  }
}

std::unique_ptr<transport> in_process_net::connect(int rank) {
  return std::make_unique<in_process_transport>(*state_, rank);
}

} // namespace torc::detail
