// SPDX-License-Identifier: MIT

// Data that every rank has. `torc::broadcast` gives all of them a copy, for tasks to use. In a
// program that has MPI code for it, `spmd` runs that: a function, once on every rank at the same
// time, in which the ranks may call MPI.
//
//     mpirun -n 4 broadcast

#include <cstdio>
#include <numeric>
#include <torc/mpi.hpp>
#include <torc/torc.hpp>
#include <vector>

namespace {

using table = std::vector<double>;

double scaled_sum(const torc::broadcasted<table>& t, double factor) {
  return factor * std::accumulate(t->begin(), t->end(), 0.0);
}

table everywhere(3); // each rank has its own

void broadcast_table(int root) {
  MPI_Bcast(everywhere.data(), static_cast<int>(everywhere.size()), MPI_DOUBLE, root,
            torc::communicator());
}

void show() {
  std::printf("rank %d: %g %g %g\n", torc::rank(), everywhere[0], everywhere[1], everywhere[2]);
}

torc::task<> app() {
  const table made_here{1, 2, 3};
  const auto t = co_await torc::broadcast(made_here);
  double sum = 0;
  for (int r = 0; r < torc::num_ranks(); ++r)
    sum += torc::submit(torc::on_rank(r), scaled_sum, t, 10.0).get(); // what is sent is a number
  std::printf("sum over %d ranks: %g\n", torc::num_ranks(), sum);

  everywhere = {0, 100, 200};
  if (torc::num_ranks() > 1) co_await torc::spmd(broadcast_table, torc::rank());
  co_await torc::spmd(show);
}

} // namespace

int main(int argc, char** argv) { return torc::start(argc, argv, app); }
