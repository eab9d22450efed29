// These tests prove the life of a program: real programs, real pipes and terminals, over the real protocol. They need
// neither root nor control groups; cgroup_test.go adds what only those can do.

package process

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
	"pyro/guest/internal/gen/pyro/guest/v1/guestv1connect"
)

type client struct {
	guestv1connect.ProcessServiceClient
	t *testing.T
}

func serve(t *testing.T, trees Trees) *client {
	t.Helper()
	service := NewService(HostRoot{}, trees, nil)
	mux := http.NewServeMux()
	mux.Handle(guestv1connect.NewProcessServiceHandler(service))
	server := httptest.NewUnstartedServer(mux)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections()
		_ = service.Clear(context.Background())
		server.Close()
	})
	return &client{guestv1connect.NewProcessServiceClient(server.Client(), server.URL), t}
}

type outcome struct {
	stdout, stderr string
	exit           *guestv1.Exit
}

func (c *client) begin(id string, request *guestv1.StartRequest) int {
	c.t.Helper()
	request.ProcessId = id
	if request.Cwd == "" {
		request.Cwd = "/"
	}
	request.Env = append(request.Env, "PATH="+os.Getenv("PATH"))
	response, err := c.Start(c.t.Context(), connect.NewRequest(request))
	if err != nil {
		c.t.Fatal(err)
	}
	return int(response.Msg.Pid)
}

// follow reads to the exit, acknowledging as it goes.
func (c *client) follow(id string) outcome {
	c.t.Helper()
	stream, err := c.Follow(c.t.Context(), connect.NewRequest(&guestv1.FollowRequest{ProcessId: id}))
	if err != nil {
		c.t.Fatal(err)
	}
	defer stream.Close()
	var stdout, stderr bytes.Buffer
	var exit *guestv1.Exit
	for stream.Receive() {
		switch event := stream.Msg().Event.(type) {
		case *guestv1.FollowResponse_Stdout:
			c.take(&stdout, event.Stdout)
		case *guestv1.FollowResponse_Stderr:
			c.take(&stderr, event.Stderr)
		case *guestv1.FollowResponse_Exit:
			exit = event.Exit
			exit.DurationNanos = 0
		}
		acknowledge := &guestv1.AcknowledgeRequest{ProcessId: id, StdoutCursor: uint64(stdout.Len()), StderrCursor: uint64(stderr.Len())}
		if _, err := c.Acknowledge(c.t.Context(), connect.NewRequest(acknowledge)); err != nil {
			c.t.Fatal(err)
		}
	}
	if stream.Err() != nil || exit == nil {
		c.t.Fatalf("no exit: %v", stream.Err())
	}
	return outcome{stdout.String(), stderr.String(), exit}
}

func (c *client) take(into *bytes.Buffer, chunk *guestv1.Chunk) {
	c.t.Helper()
	if chunk.Offset != uint64(into.Len()) {
		c.t.Fatalf("chunk at %d, wanted %d", chunk.Offset, into.Len())
	}
	into.Write(chunk.Data)
}

func (c *client) run(argv ...string) outcome {
	c.t.Helper()
	id := fmt.Sprintf("run-%d", os.Getpid())
	c.begin(id, &guestv1.StartRequest{Argv: argv})
	defer c.Release(c.t.Context(), connect.NewRequest(&guestv1.ReleaseRequest{ProcessId: id}))
	return c.follow(id)
}

func (c *client) signal(id string, signal int32, target guestv1.SignalTarget) bool {
	c.t.Helper()
	response, err := c.Signal(c.t.Context(), connect.NewRequest(&guestv1.SignalRequest{ProcessId: id, Signal: signal, Target: target}))
	if err != nil {
		c.t.Fatal(err)
	}
	return response.Msg.Delivered
}

func (o outcome) String() string {
	exit := o.exit
	return fmt.Sprintf("exit %d signal %d timed_out %v oom %v out %q err %q", exit.ExitCode, exit.Signal, exit.TimedOut, exit.OomKilled, o.stdout, o.stderr)
}

func (c *client) expect(got outcome, code, signal int32, stdout, stderr string) {
	c.t.Helper()
	want := outcome{stdout, stderr, &guestv1.Exit{ExitCode: code, Signal: signal}}
	if got.String() != want.String() {
		c.t.Errorf("got  %s\nwant %s", got, want)
	}
}

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
	c.begin("ahead", &guestv1.StartRequest{Argv: []string{"head", "-c", "20000000", "/dev/zero"}})
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
	if got := c.follow("ahead"); len(got.stdout) != 20_000_000 || got.exit.ExitCode != 0 {
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

func TestInputIsIdempotentByOffset(t *testing.T) {
	c := serve(t, GroupTrees{})
	c.begin("cat", &guestv1.StartRequest{Argv: []string{"cat"}, Stdin: true})
	write := func(offset uint64, data string, end bool) (*guestv1.WriteInputResponse, error) {
		response, err := c.WriteInput(t.Context(), connect.NewRequest(&guestv1.WriteInputRequest{ProcessId: "cat", Offset: offset, Data: []byte(data), End: end}))
		if err != nil {
			return nil, err
		}
		return response.Msg, nil
	}
	for _, step := range []struct {
		offset uint64
		data   string
		next   uint64
	}{{0, "abc", 3}, {0, "abc", 3}, {1, "bcde", 5}, {2, "c", 5}} {
		if got, err := write(step.offset, step.data, false); err != nil || got.NextOffset != step.next {
			t.Errorf("%+v: %v, %v", step, got, err)
		}
	}
	if _, err := write(6, "x", false); connect.CodeOf(err) != connect.CodeOutOfRange {
		t.Errorf("a gap: %v", err)
	}
	if _, err := write(5, "f", true); err != nil {
		t.Error(err)
	}
	if got, err := write(5, "f", true); err != nil || !got.Closed || got.NextOffset != 6 {
		t.Errorf("after the end: %v, %v", got, err)
	}
	c.expect(c.follow("cat"), 0, 0, "abcdef", "")
}

func TestMuchInputComesOutAgain(t *testing.T) {
	c := serve(t, GroupTrees{})
	data := make([]byte, 3_000_000)
	_, _ = rand.Read(data)
	c.begin("cat", &guestv1.StartRequest{Argv: []string{"cat"}, Stdin: true})
	go func() {
		for at := 0; at < len(data); {
			piece := data[at:min(at+maxInput, len(data))]
			request := &guestv1.WriteInputRequest{ProcessId: "cat", Offset: uint64(at), Data: piece, End: at+len(piece) == len(data)}
			if _, err := c.WriteInput(t.Context(), connect.NewRequest(request)); err != nil {
				t.Error(err)
				return
			}
			at += len(piece)
		}
	}()
	if got := c.follow("cat"); got.stdout != string(data) {
		t.Errorf("other bytes: %d", len(got.stdout))
	}
}

func TestInputEndsWithItsReader(t *testing.T) {
	c := serve(t, GroupTrees{})
	c.begin("deaf", &guestv1.StartRequest{Argv: []string{"sleep", "1000"}, Stdin: true})
	done := make(chan *guestv1.WriteInputResponse)
	go func() {
		response, err := c.WriteInput(t.Context(), connect.NewRequest(&guestv1.WriteInputRequest{ProcessId: "deaf", Data: make([]byte, maxInput)}))
		if err != nil {
			t.Error(err)
			response = connect.NewResponse(&guestv1.WriteInputResponse{})
		}
		done <- response.Msg
	}()
	c.signal("deaf", 9, guestv1.SignalTarget_SIGNAL_TARGET_GROUP)
	if response := <-done; !response.Closed {
		t.Errorf("%v", response)
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

func TestTerminal(t *testing.T) {
	c := serve(t, GroupTrees{})
	c.begin("tty", &guestv1.StartRequest{Argv: []string{"sh", "-c", "stty size; read x; stty size; echo got $x; seq 1 5000; exit 4"}, Terminal: &guestv1.Terminal{Cols: 100, Rows: 40}})
	stream, err := c.Follow(t.Context(), connect.NewRequest(&guestv1.FollowRequest{ProcessId: "tty"}))
	if err != nil || !stream.Receive() {
		t.Fatal(err, stream.Err())
	}
	if _, err := c.Resize(t.Context(), connect.NewRequest(&guestv1.ResizeRequest{ProcessId: "tty", Terminal: &guestv1.Terminal{Cols: 77, Rows: 22}})); err != nil {
		t.Error(err)
	}
	if _, err := c.WriteInput(t.Context(), connect.NewRequest(&guestv1.WriteInputRequest{ProcessId: "tty", Data: []byte("hi\n")})); err != nil {
		t.Error(err)
	}
	stream.Close()
	got := c.follow("tty")
	if got.exit.ExitCode != 4 {
		t.Errorf("%v", got.exit)
	}
	for _, want := range []string{"40 100\r\n", "22 77\r\n", "got hi\r\n", "\r\n5000\r\n"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestInterruptReachesTheForegroundOfATerminal(t *testing.T) {
	c := serve(t, GroupTrees{})
	c.begin("tty", &guestv1.StartRequest{Argv: []string{"sh", "-mc", "sh -c 'trap \"exit 9\" INT; echo ready; while :; do sleep 0.01; done'; echo after $?"}, Terminal: &guestv1.Terminal{Cols: 80, Rows: 24}})
	stream, err := c.Follow(t.Context(), connect.NewRequest(&guestv1.FollowRequest{ProcessId: "tty"}))
	if err != nil || !stream.Receive() {
		t.Fatal(err, stream.Err())
	}
	c.signal("tty", int32(unix.SIGINT), guestv1.SignalTarget_SIGNAL_TARGET_GROUP)
	if got := c.follow("tty"); !strings.Contains(got.stdout, "after 9") {
		t.Errorf("%s", got)
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
			for stream.Receive() {
			}
			err = stream.Err()
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
	// Not found where it came too late to follow.
	if err := <-followed; connect.CodeOf(err) != connect.CodeAborted && connect.CodeOf(err) != connect.CodeNotFound {
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
