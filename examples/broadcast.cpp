// SPDX-License-Identifier: MIT

// From tasks to SPMD and back: `spmd` runs a function once on every rank, at the same time, and in
// it the ranks may call MPI. Here it gives all of them a table that rank 0 has made.
//
//     mpirun -n 4 broadcast

#include <cstdio>
#include <numeric>
#include <torc/mpi.hpp>
#include <torc/torc.hpp>
#include <vector>

namespace {

std::vector<double> table(3); // each rank has its own

void broadcast_table(int root) {
  MPI_Bcast(table.data(), static_cast<int>(table.size()), MPI_DOUBLE, root, torc::communicator());
}

void show() { std::printf("rank %d: %g %g %g\n", torc::rank(), table[0], table[1], table[2]); }

double sum_of_table() { return std::accumulate(table.begin(), table.end(), 0.0); }

torc::task<int> app() {
  table = {0, 100, 200};
  if (torc::num_ranks() > 1) co_await torc::spmd(broadcast_table, torc::rank());
  co_await torc::spmd(show);

  // Any task may read it now, wherever it runs.
  double sum = 0;
  for (int r = 0; r < torc::num_ranks(); ++r)
    sum += torc::submit(torc::on_rank(r).pinned(), sum_of_table).get();
  std::printf("sum of all tables: %g\n", sum);
  co_return sum == 300 * torc::num_ranks() ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) { return torc::start(argc, argv, app); }
