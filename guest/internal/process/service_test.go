// These tests prove the life of a program: real programs and real pipes, over the real protocol. They need
// neither root nor control groups; cgroup_test.go adds what only those can do.

package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

func TestExitCodesSignalsAndOutput(t *testing.T) {
	c := serve(t, GroupTrees{})
	c.expect(c.run("sh", "-c", "echo out; echo err >&2; exit 3"), 3, 0, "out\n", "err\n")
	c.expect(c.run("sh", "-c", "kill -TERM $$"), 143, 15, "", "")
	c.expect(c.run("true"), 0, 0, "", "")
	c.expect(c.run("readlink", "/proc/self/fd/0"), 0, 0, "/dev/null\n", "")
}

func TestProgramsThatCannotRunAreResults(t *testing.T) {
	c := serve(t, GroupTrees{})
	folder := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := write("plain", "x", 0o644)
	script := write("script", "echo \"$0 $1\"", 0o755)
	binary := write("binary", "\x00\x01\x02", 0o755)
	orphan := write("orphan", "#!/no/such/interpreter\n", 0o755)
	c.expect(c.run("no-such-program"), 127, 0, "", "pyro: no-such-program: not found\n")
	c.expect(c.run("/no/such/program"), 127, 0, "", "pyro: /no/such/program: not found\n")
	c.expect(c.run(plain), 126, 0, "", "pyro: "+plain+": permission denied\n")
	c.expect(c.run(folder), 126, 0, "", "pyro: "+folder+": is a directory\n")
	c.expect(c.run(binary), 126, 0, "", "pyro: "+binary+": cannot execute binary file\n")
	c.expect(c.run(orphan), 127, 0, "", "pyro: "+orphan+": its interpreter was not found\n")
	c.expect(c.run(script, "arg"), 0, 0, script+" arg\n", "")
	c.expect(c.run("true", strings.Repeat("x", 200_000)), 126, 0, "", "pyro: true: argument list too long\n")
	if pid := c.begin("cwd", &guestv1.StartRequest{Argv: []string{"true"}, Cwd: "/no/such"}); pid != 0 {
		t.Errorf("pid %d", pid)
	}
	c.expect(c.follow("cwd"), 126, 0, "", "pyro: cwd /no/such: no such file or directory\n")
}

func TestRefusedStartsKeepNoDescriptors(t *testing.T) {
	c := serve(t, GroupTrees{})
	long := strings.Repeat("x", 200_000)
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	c.run("true", long)
	before := open()
	for range 20 {
		c.run("true", long)
	}
	// Connections of the test itself come and go.
	if after := open(); after > before+5 {
		t.Errorf("%d descriptors became %d", before, after)
	}
	if target, err := os.Readlink("/proc/self/fd/0"); err != nil {
		t.Errorf("standard input is %q, %v", target, err)
	}
}

func TestStartIsIdempotent(t *testing.T) {
	c := serve(t, GroupTrees{})
	first := c.begin("same", &guestv1.StartRequest{Argv: []string{"echo", "once"}})
	if second := c.begin("same", &guestv1.StartRequest{Argv: []string{"echo", "twice"}}); second != first {
		t.Errorf("pids %d and %d", first, second)
	}
	c.expect(c.follow("same"), 0, 0, "once\n", "")
}

func TestManyLinesOnBothStreamsAreGapless(t *testing.T) {
	c := serve(t, GroupTrees{})
	got := c.run("sh", "-c", "i=0; while [ $i -lt 10000 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done")
	var want strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&want, "out %d\n", i)
	}
	c.expect(got, 0, 0, want.String(), strings.ReplaceAll(want.String(), "out", "err"))
}

func TestAProgramFarAheadWaits(t *testing.T) {
	c := serve(t, GroupTrees{})
	c.begin("ahead", &guestv1.StartRequest{Argv: []string{"head", "-c", "6000000", "/dev/zero"}})
	stream, err := c.Follow(t.Context(), connect.NewRequest(&guestv1.FollowRequest{ProcessId: "ahead"}))
	if err != nil {
		t.Fatal(err)
	}
	for got := 0; got < logLimit; got += len(stream.Msg().GetStdout().GetData()) {
		if !stream.Receive() {
			t.Fatal(stream.Err())
		}
	}
	list, err := c.List(t.Context(), connect.NewRequest(&guestv1.ListRequest{}))
	if err != nil || list.Msg.Processes[0].StdoutBytes != logLimit || !list.Msg.Processes[0].Running {
		t.Errorf("%v, %v", list, err)
	}
	stream.Close()
	if got := c.follow("ahead"); len(got.stdout) != 6_000_000 || got.exit.ExitCode != 0 {
		t.Errorf("%d bytes, exit %v", len(got.stdout), got.exit)
	}
}

func TestBackgroundChildrenDoNotHoldTheExit(t *testing.T) {
	c := serve(t, GroupTrees{})
	// More than a pipe holds, written by the program itself; then a child that never stops writing.
	c.begin("loud", &guestv1.StartRequest{Argv: []string{"sh", "-c", "head -c 300000 /dev/zero; yes >&1 2>/dev/null & echo $! >&2"}})
	got := c.follow("loud")
	if len(got.stdout) < 300_000 {
		t.Errorf("only %d bytes", len(got.stdout))
	}
	child, err := strconv.Atoi(strings.TrimSpace(got.stderr))
	if err != nil || unix.Kill(child, 0) != nil {
		t.Errorf("the child %q is gone: %v", got.stderr, err)
	}
	if !c.signal("loud", 9, guestv1.SignalTarget_SIGNAL_TARGET_TREE) {
		t.Error("nothing was left of the tree")
	}
}

func TestTimeoutKillsTheGroup(t *testing.T) {
	c := serve(t, GroupTrees{})
	c.begin("slow", &guestv1.StartRequest{Argv: []string{"sh", "-c", "sleep 1000 & echo $!; wait"}, TimeoutMs: 200})
	got := c.follow("slow")
	if !got.exit.TimedOut || got.exit.ExitCode != 137 || got.exit.Signal != 9 {
		t.Errorf("%s", got)
	}
}

func TestSignalsReachTheGroupUntilTheExit(t *testing.T) {
	c := serve(t, GroupTrees{})
	c.begin("trap", &guestv1.StartRequest{Argv: []string{"sh", "-c", "trap 'echo caught; exit 5' USR1; echo ready; while :; do sleep 0.01; done"}})
	stream, err := c.Follow(t.Context(), connect.NewRequest(&guestv1.FollowRequest{ProcessId: "trap"}))
	if err != nil || !stream.Receive() {
		t.Fatal(err, stream.Err())
	}
	if !c.signal("trap", int32(unix.SIGUSR1), guestv1.SignalTarget_SIGNAL_TARGET_UNSPECIFIED) {
		t.Error("not delivered")
	}
	got := c.follow("trap")
	if got.exit.ExitCode != 5 && got.exit.ExitCode != 138 {
		t.Errorf("%s", got)
	}
	if c.signal("trap", 15, guestv1.SignalTarget_SIGNAL_TARGET_GROUP) {
		t.Error("delivered to a program that has ended")
	}
}

func TestTwoFollowersSeeTheSame(t *testing.T) {
	c := serve(t, GroupTrees{})
	c.begin("both", &guestv1.StartRequest{Argv: []string{"sh", "-c", "i=0; while [ $i -lt 500 ]; do echo $i; i=$((i+1)); done"}})
	read := func(into chan<- string) {
		stream, err := c.Follow(t.Context(), connect.NewRequest(&guestv1.FollowRequest{ProcessId: "both"}))
		if err != nil {
			t.Error(err)
		}
		var text strings.Builder
		for stream.Receive() {
			text.Write(stream.Msg().GetStdout().GetData())
		}
		into <- text.String()
	}
	first, second := make(chan string), make(chan string)
	go read(first)
	go read(second)
	a, b := <-first, <-second
	if a != b || !strings.HasSuffix(a, "\n499\n") {
		t.Errorf("%d and %d bytes", len(a), len(b))
	}
}

func TestErrorsHaveCodes(t *testing.T) {
	c := serve(t, GroupTrees{})
	c.begin("sleep", &guestv1.StartRequest{Argv: []string{"sleep", "1000"}})
	follow := func(request *guestv1.FollowRequest) error {
		stream, err := c.Follow(t.Context(), connect.NewRequest(request))
		if err != nil {
			return err
		}
		defer stream.Close()
		stream.Receive()
		return stream.Err()
	}
	_, badID := c.Start(t.Context(), connect.NewRequest(&guestv1.StartRequest{ProcessId: "A", Argv: []string{"true"}, Cwd: "/"}))
	_, noStdin := c.WriteInput(t.Context(), connect.NewRequest(&guestv1.WriteInputRequest{ProcessId: "sleep", Data: []byte("x")}))
	_, noTerminal := c.Resize(t.Context(), connect.NewRequest(&guestv1.ResizeRequest{ProcessId: "sleep", Terminal: &guestv1.Terminal{Cols: 1, Rows: 1}}))
	_, badSignal := c.Signal(t.Context(), connect.NewRequest(&guestv1.SignalRequest{ProcessId: "sleep", Signal: 65}))
	for name, c := range map[string]struct {
		err  error
		code connect.Code
	}{
		"unknown process": {follow(&guestv1.FollowRequest{ProcessId: "who"}), connect.CodeNotFound},
		"cursor past end": {follow(&guestv1.FollowRequest{ProcessId: "sleep", StdoutCursor: 1}), connect.CodeOutOfRange},
		"id":              {badID, connect.CodeInvalidArgument},
		"no stdin":        {noStdin, connect.CodeFailedPrecondition},
		"no terminal":     {noTerminal, connect.CodeFailedPrecondition},
		"signal":          {badSignal, connect.CodeInvalidArgument},
	} {
		if connect.CodeOf(c.err) != c.code {
			t.Errorf("%s: %v, want %v", name, c.err, c.code)
		}
	}
}

func TestReleaseKillsAndForgets(t *testing.T) {
	c := serve(t, GroupTrees{})
	pid := c.begin("gone", &guestv1.StartRequest{Argv: []string{"sleep", "1000"}})
	followed := make(chan error)
	go func() {
		stream, err := c.Follow(t.Context(), connect.NewRequest(&guestv1.FollowRequest{ProcessId: "gone"}))
		if err == nil {
			var exit *guestv1.Exit
			for stream.Receive() {
				exit = stream.Msg().GetExit()
			}
			err = stream.Err()
			if err == nil && exit.GetSignal() != int32(unix.SIGKILL) {
				err = fmt.Errorf("ended with %v", exit)
			}
		}
		followed <- err
	}()
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Skipf("no pidfd here: %v", err)
	}
	defer unix.Close(pidfd)
	if _, err := c.Release(t.Context(), connect.NewRequest(&guestv1.ReleaseRequest{ProcessId: "gone"})); err != nil {
		t.Fatal(err)
	}
	// Not found where it came too late to follow; the kill itself where that was seen before the release.
	err = <-followed
	if err != nil && connect.CodeOf(err) != connect.CodeAborted && connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("the follower got %v", err)
	}
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, 10_000)
		if err == unix.EINTR {
			continue
		}
		if n != 1 {
			t.Errorf("still alive: %v", err)
		}
		break
	}
	c.begin("gone", &guestv1.StartRequest{Argv: []string{"echo", "new"}})
	c.expect(c.follow("gone"), 0, 0, "new\n", "")
}

func TestSilentProgramsHaveHeartbeatsWhereAsked(t *testing.T) {
	c := serve(t, GroupTrees{})
	c.begin("silent", &guestv1.StartRequest{Argv: []string{"sleep", "1000"}})
	defer c.Release(t.Context(), connect.NewRequest(&guestv1.ReleaseRequest{ProcessId: "silent"}))
	stream, err := c.Follow(t.Context(), connect.NewRequest(&guestv1.FollowRequest{ProcessId: "silent", HeartbeatMs: 10}))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	for range 3 {
		if !stream.Receive() || stream.Msg().GetHeartbeat() == nil {
			t.Fatalf("%v, %v, wanted a heartbeat", stream.Msg(), stream.Err())
		}
	}
	c.signal("silent", 9, guestv1.SignalTarget_SIGNAL_TARGET_TREE)
	for stream.Receive() {
		if exit := stream.Msg().GetExit(); exit != nil {
			if exit.Signal != 9 {
				t.Errorf("signal %d", exit.Signal)
			}
			return
		}
	}
	t.Fatalf("no exit: %v", stream.Err())
}
