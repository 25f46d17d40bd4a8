// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "transport/transport.hpp"

namespace torc::detail {

/// How ranks that are threads of one process are connected.
struct in_process_options {
  std::vector<int> hosts;  ///< the number of each rank's host; as many as ranks
  std::uint64_t seed = 0;  ///< of the delays
  unsigned most_delay = 0; ///< a message waits for up to so many polls of its receiver, so that it
                           ///< is overtaken by others, also of the same sender
  bool deaths_are_seen = true; ///< otherwise a rank that is killed is merely silent
};

/// Connects ranks that are threads of one process, for tests.
class in_process_net {
public:
  explicit in_process_net(in_process_options options);
  ~in_process_net();
  /// The transport of one rank. To be asked for by its own thread; must not outlive the net.
  std::unique_ptr<transport> connect(int rank);
  /// Once all are connected: from here on nothing comes from that rank or gets there, as if its
  /// process had died. From any thread.
  void kill(int rank);

  struct state;

private:
  std::unique_ptr<state> state_;
};

} // namespace torc::detail
