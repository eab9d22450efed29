// These tests prove what only control groups can do. Without root and cgroup v2 they skip and say so.

package process

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

func groups(t *testing.T) *CgroupTrees {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("control groups need root")
	}
	folder, err := os.MkdirTemp("/sys/fs/cgroup", "pyro-test-")
	if err != nil {
		t.Skipf("no cgroup v2 to write to: %v", err)
	}
	trees := NewCgroupTrees(folder)
	t.Cleanup(func() {
		_ = trees.KillAll(t.Context())
		entries, _ := os.ReadDir(folder)
		for _, entry := range entries {
			_ = os.Remove(filepath.Join(folder, entry.Name()))
		}
		_ = os.Remove(folder)
	})
	if _, err := os.Stat(filepath.Join(folder, "cgroup.kill")); err != nil {
		t.Skipf("this kernel cannot kill a control group: %v", err)
	}
	return trees
}

func TestTimeoutKillsDaemonisedChildren(t *testing.T) {
	c := serve(t, groups(t))
	c.begin("tree", &guestv1.StartRequest{Argv: []string{"sh", "-c", "setsid sleep 1000 & echo $!; setsid sleep 1000 & echo $!; wait"}, TimeoutMs: 500})
	got := c.follow("tree")
	if !got.exit.TimedOut || got.exit.ExitCode != 137 {
		t.Errorf("%s", got)
	}
	for _, text := range strings.Fields(got.stdout) {
		pid, _ := strconv.Atoi(text)
		stat, _ := os.ReadFile("/proc/" + text + "/stat")
		if unix.Kill(pid, 0) == nil && !strings.Contains(string(stat), ") Z ") {
			t.Errorf("%s is still alive", text)
		}
	}
}

func TestEmptyGroupsAreUsedAgain(t *testing.T) {
	trees := groups(t)
	c := serve(t, trees)
	for range 5 {
		c.expect(c.run("true"), 0, 0, "", "")
	}
	trees.mu.Lock()
	defer trees.mu.Unlock()
	if trees.made > 2 {
		t.Errorf("%d groups for programs one after the other", trees.made)
	}
}

func TestCounter(t *testing.T) {
	text := []byte("low 0\noom 3\noom_kill 2\n")
	if counter(text, "oom_kill") != 2 || counter(text, "oom") != 3 || counter(text, "none") != 0 {
		t.Error("wrong count")
	}
}
