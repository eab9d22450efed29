// These tests prove what only control groups can do. Without root and cgroup v2 they skip and say so.

package process

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

func groups(t *testing.T) *CgroupTrees {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("control groups need root")
	}
	folder, err := os.MkdirTemp(unified(), "pyro-test-")
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

// unified is where cgroup v2 is mounted, on hosts that have v1 as well beside it.
func unified() string {
	const beside = "/sys/fs/cgroup/unified"
	if _, err := os.Stat(beside + "/cgroup.controllers"); err == nil {
		return beside
	}
	return "/sys/fs/cgroup"
}

func TestTimeoutKillsDaemonisedChildren(t *testing.T) {
	trees := groups(t)
	c := serve(t, trees)
	c.begin("tree", &guestv1.StartRequest{Argv: []string{"sh", "-c", "setsid sleep 1000 & echo $!; setsid sleep 1000 & echo $!; wait"}, TimeoutMs: 500})
	got := c.follow("tree")
	if !got.exit.TimedOut || got.exit.ExitCode != 137 {
		t.Errorf("%s", got)
	}
	// The kernel kills them all at once, but each dies in its own time.
	if err := waitUntilEmpty(t.Context(), trees.folder); err != nil {
		t.Error(err)
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

// Since 6.14, and in the long-term kernels from then on, a group that was killed kills what is born into it.
func TestNoProgramIsBornIntoAGroupThatWasKilled(t *testing.T) {
	trees := groups(t)
	c := serve(t, trees)
	for range 2 {
		c.begin("slow", &guestv1.StartRequest{Argv: []string{"sleep", "1000"}, TimeoutMs: 50})
		c.follow("slow")
		c.expect(c.run("true"), 0, 0, "", "")
		if _, err := c.Release(t.Context(), connect.NewRequest(&guestv1.ReleaseRequest{ProcessId: "slow"})); err != nil {
			t.Error(err)
		}
	}
	if err := trees.KillAll(t.Context()); err != nil {
		t.Error(err)
	}
	c.expect(c.run("true"), 0, 0, "", "")
}

func TestCounter(t *testing.T) {
	text := []byte("low 0\noom 3\noom_kill 2\n")
	if counter(text, "oom_kill") != 2 || counter(text, "oom") != 3 || counter(text, "none") != 0 {
		t.Error("wrong count")
	}
}
