// SPDX-License-Identifier: MIT
#include "../runtime/openmp.hpp"
#include "config.hpp"

namespace {

using matmul::quarters;

void multiply(int n, const double* a, const double* b, double* c) {
  if (n == matmul::leaf) return matmul::multiply_leaf(a, b, c);
  const int half = n / 2;
  const quarters A(a, half), B(b, half);
  const quarters C(c, half);
#pragma omp task
  multiply(half, A.q21, B.q12, C.q22);
#pragma omp task
  multiply(half, A.q21, B.q11, C.q21);
#pragma omp task
  multiply(half, A.q11, B.q12, C.q12);
  multiply(half, A.q11, B.q11, C.q11);
#pragma omp taskwait

#pragma omp task
  multiply(half, A.q22, B.q22, C.q22);
#pragma omp task
  multiply(half, A.q22, B.q21, C.q21);
#pragma omp task
  multiply(half, A.q12, B.q22, C.q12);
  multiply(half, A.q12, B.q21, C.q11);
#pragma omp taskwait
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "openmp");
  matmul::add([](int n, const double* a, const double* b, double* c) {
    bench::in_team([=] { multiply(n, a, b, c); });
  });
  return bench::run();
}
