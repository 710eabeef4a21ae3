# Prints the targets of makefiles as a table, grouped by concern.
# A group is a line `##@ Name`; a target's description follows it: `name: prerequisites ## description`.
BEGIN {
  bold = ENVIRON["NO_COLOR"] == "" && system("test -t 1") == 0
  printf "Usage: make TARGET [ARGS='...']\n"
}
/^##@ / {
  group = substr($0, 5)
  printf "\n%s%s%s\n", bold ? "\033[1m" : "", group, bold ? "\033[0m" : ""
}
/^[a-z][a-z0-9-]*:.* ## / {
  name = $0
  sub(/:.*/, "", name)
  sub(/.* ## /, "")
  printf "  %s%-20s%s %s\n", bold ? "\033[36m" : "", name, bold ? "\033[0m" : "", $0
}
