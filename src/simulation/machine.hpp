// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

namespace torc::simulation {

/// Time is counted in nanoseconds.
using nanoseconds = std::int64_t;

/// What a message costs, after Alexandrov et al., "LogGP", SPAA 1995: the sender's processor and
/// the receiver's are occupied for `overhead` each, the sender's network for `gap` and `per_byte`,
/// and the first byte is under way for `latency`.
struct link {
  nanoseconds latency, overhead, gap;
  double per_byte;
};

/// The simulated machine: hosts with the same number of ranks, each rank of one worker. The first
/// numbers are fitted (`./dev bench calibrate`), those of `far` are of a common cluster network.
struct machine {
  std::int64_t ranks = 2;
  std::int64_t per_host = 64; ///< ranks

  link near{400, 300, 100, 0.1};  ///< between ranks of a host
  link far{1'500, 500, 100, 0.1}; ///< between hosts
  std::int64_t eager = 4'000;     ///< bytes; longer messages are announced and then fetched
  nanoseconds jitter = 0;         ///< up to so much later a message arrives; it may be overtaken
  double lost = 0;                ///< of messages, this share

  // When a rank looks at a message; src/ranks/helper.cpp and worker.cpp are what is modelled here.
  // A busy one, of a rank on its host:
  nanoseconds answer_fine = 3'000;   ///< ... when its task spawns
  nanoseconds answer_long = 100'000; ///< ... when it does not, to a request
  nanoseconds tick = 2'000'000;      ///< ... all else
  nanoseconds tick_far = 1'000'000;  ///< of other hosts: how often it looks
  // An idle one:
  nanoseconds answer_idle = 500;     ///< while it looks all the time,
  nanoseconds search = 500'000;      ///< for so long; then it sleeps
  nanoseconds wake = 50'000;         ///< to wake a thread
  nanoseconds tick_idle = 2'000'000; ///< how often a sleeping one looks for messages of other hosts

  nanoseconds start = 50'000'000; ///< until the first task begins; the others have given up by then

  nanoseconds pack = 500; ///< makes a task or its result into bytes, or back

  nanoseconds detect = 1'000'000'000; ///< until a dead rank is noticed; then the job ends

  double slow_share = 0; ///< of the ranks, this share ...
  double slowness = 2;   ///< ... takes so many times as long for everything

  /// Sets the parameter of that name, such as "far.latency". Throws std::invalid_argument.
  void set(std::string_view name, std::string_view value);
};

} // namespace torc::simulation
