# Proves that slug keeps words, and only words.
. src/slug.sh
failed=0
check() {
  got=$(slug "$1")
  [ "$got" = "$2" ] || { echo "slug '$1' is '$got', not '$2'" >&2; failed=1; }
}
check 'Hello World' hello-world
check '  Two  spaces ' two-spaces
exit $failed
