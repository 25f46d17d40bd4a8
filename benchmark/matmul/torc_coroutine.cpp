// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

namespace {

using matmul::quarters;

torc::task<> multiply(int n, const double* a, const double* b, double* c) {
  if (n == matmul::leaf) {
    matmul::multiply_leaf(a, b, c);
    co_return;
  }
  const int half = n / 2;
  const quarters A(a, half), B(b, half);
  const quarters C(c, half);
  co_await torc::wait(multiply(half, A.q11, B.q11, C.q11), multiply(half, A.q11, B.q12, C.q12),
                      multiply(half, A.q21, B.q11, C.q21), multiply(half, A.q21, B.q12, C.q22));
  co_await torc::wait(multiply(half, A.q12, B.q21, C.q11), multiply(half, A.q12, B.q22, C.q12),
                      multiply(half, A.q22, B.q21, C.q21), multiply(half, A.q22, B.q22, C.q22));
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_coroutine");
  matmul::add(
      [](int n, const double* a, const double* b, double* c) { multiply(n, a, b, c).get(); });
  return bench::run();
}
