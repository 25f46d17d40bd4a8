// SPDX-License-Identifier: MIT

// What can be an argument or a result of a task that leaves its process: values, however nested,
// and those of length zero too. Each is sent to the last rank, changed there, and comes back.
//
//     mpirun -n 2 travel

#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <torc/torc.hpp>
#include <vector>

namespace {

/// A struct needs nothing to travel, as long as its fields can.
struct particle {
  int id;
  double position[3];
  std::optional<std::string> name;
};

particle moved(particle p, double dx) {
  p.position[0] += dx;
  return p;
}

/// A class that hides its fields says which they are, as for Boost.Serialization.
class account {
public:
  account() = default;
  explicit account(long balance) : balance_(balance) {}
  long balance() const { return balance_; }
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& balance_;
  }

private:
  long balance_ = 0;
};

account deposit(account a, long amount) { return account(a.balance() + amount); }

std::size_t length(const std::vector<double>& v) { return v.size(); }

using inventory = std::map<std::string, std::vector<int>>;

inventory with(inventory all, std::string item, int number) {
  all[item].push_back(number);
  return all;
}

int twice(int x) { return 2 * x; }

/// A function is a value too.
int apply(int (*f)(int), int x) { return f(x); }

torc::task<int> app() {
  const auto there = torc::on_rank(torc::num_ranks() - 1);

  auto p = torc::submit(there, moved, particle{7, {1, 2, 3}, "electron"}, 0.5);
  auto a = torc::submit(there, deposit, account(100), 50);
  auto none = torc::submit(there, length, std::vector<double>());
  auto many = torc::submit(there, length, std::vector<double>(1'000'000)); // 8 MB
  auto i = torc::submit(there, with, inventory{{"nails", {3, 4}}}, std::string("nails"), 5);
  auto f = torc::submit(there, apply, twice, 21);
  // What a lambda would capture, torc::bind takes along.
  auto b = torc::submit(there, torc::bind([](int x, int y) { return x - y; }, 50), 8);
  co_await torc::wait();

  std::printf("particle %d, %s, at %g\n", p.result().id, p.result().name->c_str(),
              p.result().position[0]);
  std::printf("balance %ld\n", a.result().balance());
  std::printf("lengths %zu and %zu\n", none.result(), many.result());
  std::printf("%zu kinds of nails\n", i.result()["nails"].size());
  std::printf("%d and %d\n", f.result(), b.result());
  co_return f.result() == b.result() ? 0 : 1;
}

} // namespace

int main() { return torc::start(app); }
