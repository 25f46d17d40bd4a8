// SPDX-License-Identifier: MIT
#include "run.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <ranges>
#include <torc/torc.hpp>

#include "program.hpp"

namespace soak {
namespace {

using namespace std::chrono_literals;

struct node_failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};
const torc::known_exception<node_failed> known;

/// A node, as it travels.
struct name {
  number seed = 0;
  int id = 0;
};

const node& find(name n) {
  static std::mutex mutex;
  // Never destroyed: threads of victims may use it until the very end.
  static auto& programs = *new std::map<number, std::unique_ptr<program>>;
  const std::lock_guard guard(mutex);
  auto& p = programs[n.seed];
  if (p == nullptr) p = std::make_unique<program>(n.seed);
  return (*p)[n.id];
}

[[noreturn]] void diverge(name n, const std::string& how) {
  std::fprintf(stderr, "soak: TORC_SEED=%llu: node %d, seen on rank %d, %s; allowed: %s\n",
               static_cast<unsigned long long>(n.seed), n.id, torc::rank(), how.c_str(),
               text_of(find(n).outcomes).c_str());
  std::fflush(nullptr);
  std::_Exit(3);
}

/// What a joined task has come to.
struct ending {
  long value = 0;
  std::exception_ptr error;
};

unsigned check(name n, const ending& e) {
  const node& c = find(n);
  unsigned what = value;
  std::string text = "gave " + std::to_string(e.value);
  try {
    if (e.error) std::rethrow_exception(e.error);
    what = e.value == -1 - n.id ? otherwise : value;
    if (what == value && e.value != c.sum) {
      diverge(n, text + " instead of " + std::to_string(c.sum));
    }
  } catch (const node_failed& f) {
    what = failed, text = std::string("threw ") + f.what();
  } catch (const torc::cancelled&) {
    what = cancelled, text = "was cancelled";
  } catch (const torc::timed_out&) {
    what = timed_out, text = "timed out";
  } catch (const std::exception& other) {
    diverge(n, std::string("threw ") + typeid(other).name() + ": " + other.what());
  }
  // If it was cancelled, it may be because the caller was, which learns of it in this way.
  if (what == cancelled) torc::stop_point();
  if ((c.outcomes & what) == 0) diverge(n, text);
  return what;
}

/// The same for what goes on in any case: the value that the child has, or would have had.
long settle(name n, const ending& e) { return check(n, e), find(n).sum; }

void work(name n) {
  const node& me = find(n);
  if (me.work_us < 0) std::this_thread::sleep_for(-me.work_us * 1us);
  for (const auto end = std::chrono::steady_clock::now() + me.work_us * 1us;
       std::chrono::steady_clock::now() < end;) {
  }
  while (me.what == body::endless) {
    torc::stop_point();
    std::this_thread::yield();
  }
}
void fail(name n) { throw node_failed("node " + std::to_string(n.id)); }

long run(name n);
torc::task<long> run_coroutine(name n);

torc::future<long> submit(name n) {
  const node& c = find(n);
  const auto send = [&](auto where) {
    where = where.priority(c.priority);
    if (c.pinned) where = where.pinned();
    if (c.limited || c.priority == 0) where = where.time_limit(c.limited ? 2ms : 1h);
    const auto again = where.retry(c.retries, c.priority * 100us);
    if (c.ignored) {
      const auto ignoring = again.ignore_failure(-1L - c.id);
      return c.coroutine ? torc::submit(ignoring, run_coroutine, n)
                         : torc::submit(ignoring, run, n);
    }
    return c.coroutine ? torc::submit(again, run_coroutine, n) : torc::submit(again, run, n);
  };
  switch (c.where) {
  case place::rank:
    return send(torc::on_rank(c.place_id % torc::num_ranks()));
  case place::worker:
    return send(torc::on_worker(c.place_id % torc::num_workers()));
  case place::here:
    return send(torc::here);
  default:
    return send(torc::cyclic);
  }
}
std::vector<torc::future<long>> submit_children(name n) {
  std::vector<torc::future<long>> futures;
  for (const int id : find(n).children)
    futures.push_back(submit({n.seed, id}));
  for (std::size_t i = 0; i < futures.size(); ++i) {
    if (find({n.seed, find(n).children[i]}).stopped) futures[i].cancel();
  }
  return futures;
}

template <class Join>
ending ending_of(Join join) {
  try {
    return {join(), nullptr};
  } catch (...) {
    return {0, std::current_exception()};
  }
}

/// The children of a sum from the i-th on.
long sum_from(name n, std::size_t i) {
  if (i == find(n).children.size()) return 0;
  const name c{n.seed, find(n).children[i]};
  if (find(c).submitted) {
    auto future = submit(c);
    const long others = sum_from(n, i + 1);
    if (find(c).stopped) future.cancel();
    return others + settle(c, ending_of([&] { return future.get(); }));
  }
  const auto others_and = [&](auto& child) {
    const long others = sum_from(n, i + 1);
    return others + settle(c, ending_of([&] { return child.get(); }));
  };
  if (find(c).coroutine) {
    auto child = torc::spawn(run_coroutine, c);
    return others_and(child);
  }
  auto child = torc::spawn(run, c);
  return others_and(child);
}
torc::task<long> sum_from_coroutine(name n, std::size_t i) {
  if (i == find(n).children.size()) co_return 0;
  const name c{n.seed, find(n).children[i]};
  ending e;
  long others = 0;
  if (find(c).submitted) {
    auto future = submit(c);
    others = co_await sum_from_coroutine(n, i + 1);
    if (find(c).stopped) future.cancel();
    try {
      e.value = co_await torc::wait(future);
    } catch (...) {
      e.error = std::current_exception();
    }
  } else {
    auto child = torc::spawn(run, c);
    others = co_await sum_from_coroutine(n, i + 1);
    try {
      e.value = co_await torc::wait(child);
    } catch (...) {
      e.error = std::current_exception();
    }
  }
  co_return others + settle(c, e);
}

// What a function and a coroutine have in common: all but what waits.

/// Begins what is in the node's group; whether that is to be waited for.
bool begin_in(torc::group& g, name n, std::vector<torc::future<long>>& futures) {
  futures = submit_children(n);
  if (find(n).fails) fail(n);
  if (find(n).cancels) g.cancel();
  return !find(n).cancels;
}
/// After the scope of a group: all has ended.
long settle_group(name n, const std::vector<torc::future<long>>& futures,
                  std::exception_ptr error) {
  const node& me = find(n);
  if (error) std::rethrow_exception(error);
  for (std::size_t i = 0; i < futures.size(); ++i) {
    const name c{n.seed, me.children[i]};
    if (!futures[i].done()) diverge(c, "runs after the end of its group");
    ending e{0, futures[i].exception()};
    if (!e.error) e.value = const_cast<torc::future<long>&>(futures[i]).result();
    if ((check(c, e) & (failed | timed_out)) != 0 && !find(c).stopped) {
      diverge(c, "failed, and its group did not");
    }
  }
  return me.sum - me.id;
}
auto deadline_of(name n) { return find(n).has_deadline ? 2ms : 1h; }

std::vector<name> names_of_children(name n) {
  std::vector<name> names;
  for (const int id : find(n).children)
    names.push_back({n.seed, id});
  return names;
}
auto ids_of_children(const node& n) {
  return std::views::iota(n.id + 1, n.children.back() + 1) |
         std::views::filter([&n](int id) { return std::ranges::binary_search(n.children, id); });
}
long sum_of(const std::vector<long>& values) {
  return std::accumulate(values.begin(), values.end(), 0L);
}
template <class Results>
long settle_all(name n, Results results) {
  long sum = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    sum += settle({n.seed, find(n).children[i]}, ending_of([&] { return results[i].value(); }));
  }
  return sum;
}

long run(name n) {
  const node& me = find(n);
  work(n);
  long below = 0;
  switch (me.what) {
  case body::group: {
    std::vector<torc::future<long>> futures;
    std::exception_ptr error;
    try {
      torc::group g(deadline_of(n));
      if (begin_in(g, n, futures)) g.wait().get();
    } catch (...) {
      error = std::current_exception();
    }
    below = settle_group(n, futures, error);
    break;
  }
  case body::map:
    below = sum_of(torc::map(run, names_of_children(n), torc::chunk{1}).get());
    break;
  case body::reduce: {
    const auto value_of = [seed = n.seed](int id) { return run({seed, id}); };
    below = torc::reduce(value_of, ids_of_children(me), 0L).get();
    break;
  }
  case body::children: {
    torc::children children(me.children.size(), run);
    for (const int id : me.children)
      children.spawn(name{n.seed, id});
    below = sum_of(torc::wait(children).get());
    break;
  }
  case body::wait_all: {
    auto futures = submit_children(n);
    below = settle_all(n, torc::wait_all(futures).get());
    break;
  }
  default:
    below = sum_from(n, 0);
  }
  if (me.fails) fail(n);
  return me.id + below;
}

torc::task<long> run_coroutine(name n) {
  const node& me = find(n);
  work(n);
  long below = 0;
  switch (me.what) {
  case body::group: {
    std::vector<torc::future<long>> futures;
    std::exception_ptr error;
    try {
      torc::group g(deadline_of(n));
      if (begin_in(g, n, futures)) co_await g.wait();
    } catch (...) {
      error = std::current_exception();
    }
    below = settle_group(n, futures, error);
    break;
  }
  case body::map: {
    const std::vector<name> names = names_of_children(n);
    below = sum_of(co_await torc::map(run_coroutine, names));
    break;
  }
  case body::reduce: {
    const auto value_of = [seed = n.seed](int id) { return run_coroutine({seed, id}); };
    below = co_await torc::reduce(value_of, ids_of_children(me), 0L);
    break;
  }
  case body::children: {
    torc::children children(me.children.size(), run_coroutine);
    for (const int id : me.children)
      children.spawn(name{n.seed, id});
    below = sum_of(co_await torc::wait(children));
    break;
  }
  case body::wait_all: {
    auto futures = submit_children(n);
    below = settle_all(n, co_await torc::wait_all(futures));
    break;
  }
  default:
    below = co_await sum_from_coroutine(n, 0);
  }
  if (me.fails) fail(n);
  co_return me.id + below;
}

} // namespace

void run_program(unsigned long seed) {
  const name root{seed, 0};
  check(root, ending_of([&] { return run(root); }));
}

} // namespace soak
