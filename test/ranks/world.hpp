// SPDX-License-Identifier: MIT
#pragma once

// Ranks that are threads of one process: what the tests of src/ranks run their programs on. As all
// ranks see the same globals, a test can count there what happens anywhere.

#include <chrono>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

#include "ranks/engine.hpp"

namespace test {

struct world {
  std::vector<int> workers = {1, 1}; ///< by rank
  std::vector<int> hosts = {};       ///< by rank; empty: all are on one
  std::uint64_t seed = 0;            ///< of the delays
  unsigned most_delay = 0;           ///< see in_process_options
  bool stealing = true;
  std::chrono::milliseconds suspicion{1000}, beat{1000}; ///< see configuration
  int victim = -1;                                       ///< a rank that `kill_victim` kills,
  bool survives = true; ///< which the others survive; otherwise nobody sees it but by its silence
};

/// `n` ranks with as many workers each.
inline world ranks(int n, int workers = 1) {
  return {.workers = std::vector<int>(static_cast<std::size_t>(n), workers)};
}

struct world_ended {
  std::vector<std::vector<int>> exit_codes;              ///< by launch and rank
  std::vector<std::exception_ptr> errors;                ///< of the launches on rank 0, or null
  std::vector<torc::detail::rank_statistics> statistics; ///< by rank

  std::uint64_t stolen() const {
    std::uint64_t n = 0;
    for (const auto& s : statistics) {
      n += s.stolen_near + s.stolen_far;
    }
    return n;
  }
};

/// To be called once in the application of a world with a victim, from any thread. The victim's
/// threads cannot be killed: they are cut off, and left where they are until the program ends.
void kill_victim();

/// Does that after some time, at the latest at the end of its scope.
class death {
public:
  explicit death(std::chrono::microseconds delay)
      : thread_([delay] {
          std::this_thread::sleep_for(delay);
          kill_victim();
        }) {}
  ~death() { thread_.join(); }

private:
  std::thread thread_;
};

/// Says on stderr what each rank of the running world is doing.
void explain_world();

using application = std::function<int()>;

/// Launches one application after the other in one session. Expects that all ranks end and that
/// none of them keeps a fiber.
world_ended run_launches(const world& w, const std::vector<application>& applications);

/// The same for one that expects that it does not throw.
world_ended run_world(const world& w, const std::function<void()>& app);

} // namespace test
