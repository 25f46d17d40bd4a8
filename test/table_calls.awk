# SPDX-License-Identifier: MIT
# The calls in a page's tables, for table_calls.cpp: each row whose table has a second column "torc"
# is a function of the `code` in that column, without the names of environment variables.

!/^\|/ { in_table = 0; next }
!in_table { in_table = 1; split($0, head, / *\| */); is_ours = head[3] == "torc"; next }
is_ours && !/^\|-/ {
  split($0, cells, "|")
  count = split(cells[3], parts, "`")
  body = ""
  for (i = 2; i <= count; i += 2)
    if (parts[i] !~ /^TORC_[A-Z_]+(=.*)?$/) body = body " " parts[i] ";"
  if (body != "") printf "#line %d\nvoid row_%d() {%s }\n", NR, NR, body
}
