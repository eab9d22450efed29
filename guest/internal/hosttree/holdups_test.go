// Proves that every name at which git would wait, or read without end, is found at any depth, and that nothing else is.

package hosttree

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatWouldHoldGitUpIsFoundAtAnyDepth(t *testing.T) {
	root := t.TempDir()
	at := func(name string) string {
		full := filepath.Join(root, name)
		must(t, os.MkdirAll(filepath.Dir(full), 0o755))
		return full
	}
	pipe := func(name string) { must(t, unix.Mkfifo(at(name), 0o600)) }
	file := func(name, content string) { must(t, os.WriteFile(at(name), []byte(content), 0o644)) }
	link := func(name, target string) { must(t, os.Symlink(target, at(name))) }
	deep := strings.Repeat("d/", 400)

	pipe(".gitignore")
	pipe(deep + ".gitignore")
	pipe("led/pipe")
	link("led/.gitignore", "pipe")
	must(t, os.WriteFile(at("large/.gitignore"), nil, 0o644))
	must(t, os.Truncate(at("large/.gitignore"), maxRuleBytes+1))
	pipe("head/.git/HEAD")
	link("endless/.git/commondir", "/dev/zero")
	file("named/.git", "gitdir: ../led/repository\n")
	pipe("led/repository/HEAD")
	link("linked/.git", "../head/.git")

	// None of these holds git up.
	pipe(".git/HEAD")
	pipe("pipe")
	pipe("fine/.git")
	file("plain/.gitignore", "x")
	link("plain/b/.gitignore", "/dev/zero")
	file("plain/.git/HEAD", "ref: refs/heads/main\n")
	file("plain/c/.git", "gitdir: /nowhere\n")
	must(t, os.Mkdir(at("plain/d/.gitignore"), 0o755))
	link("plain/to-head", "../head")

	fd, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY, 0)
	must(t, err)
	defer unix.Close(fd)
	var printed bytes.Buffer
	must(t, findHoldUps(fd, strings.NewReader(""), bufio.NewWriter(&printed)))
	fields := strings.Split(strings.TrimSuffix(printed.String(), "\x00"), "\x00")
	var got []string
	for i := 0; i < len(fields); i += 2 {
		got = append(got, fields[i]+" "+fields[i+1])
	}
	if last := got[len(got)-1]; last != ". " {
		t.Errorf("the last one is %q", last)
	}
	slices.Sort(got)
	want := []string{
		". ", "p " + deep + ".gitignore", "p .gitignore", "r endless", "r head", "r linked", "r named", "u large", "u led",
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}
