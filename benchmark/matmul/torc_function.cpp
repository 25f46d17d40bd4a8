// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

namespace {

using matmul::quarters;

void multiply(int n, const double* a, const double* b, double* c) {
  if (n == matmul::leaf) return matmul::multiply_leaf(a, b, c);
  const int half = n / 2;
  const quarters A(a, half), B(b, half);
  const quarters C(c, half);
  { // the children are joined where their scope ends
    auto c22 = torc::spawn(multiply, half, A.q21, B.q12, C.q22);
    auto c21 = torc::spawn(multiply, half, A.q21, B.q11, C.q21);
    auto c12 = torc::spawn(multiply, half, A.q11, B.q12, C.q12);
    multiply(half, A.q11, B.q11, C.q11);
  }
  {
    auto c22 = torc::spawn(multiply, half, A.q22, B.q22, C.q22);
    auto c21 = torc::spawn(multiply, half, A.q22, B.q21, C.q21);
    auto c12 = torc::spawn(multiply, half, A.q12, B.q22, C.q12);
    multiply(half, A.q12, B.q21, C.q11);
  }
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_function");
  matmul::add(multiply);
  return bench::run();
}
