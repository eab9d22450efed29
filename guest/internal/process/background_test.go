// These tests prove what becomes of what a program leaves in the background, which only control groups can tell. Without root
// and cgroup v2 they skip and say so.

package process

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

// gate makes a pipe that a program waits at, and what opens it.
func gate(t *testing.T) (path string, open func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "gate")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, func() {
		t.Helper()
		if err := os.WriteFile(path, []byte("go\n"), 0); err != nil {
			t.Fatal(err)
		}
	}
}

// rest follows to the end of everything, from what was read before.
func (c *client) rest(id string, before outcome) outcome {
	c.t.Helper()
	stdout, stderr := uint64(len(before.stdout)), uint64(len(before.stderr))
	request := &guestv1.FollowRequest{ProcessId: id, StdoutCursor: stdout, StderrCursor: stderr, Rest: true}
	stream, err := c.Follow(c.t.Context(), connect.NewRequest(request))
	if err != nil {
		c.t.Fatal(err)
	}
	defer stream.Close()
	var got outcome
	for stream.Receive() {
		switch event := stream.Msg().Event.(type) {
		case *guestv1.FollowResponse_Stdout:
			got.stdout += string(event.Stdout.Data)
			stdout += uint64(len(event.Stdout.Data))
		case *guestv1.FollowResponse_Stderr:
			got.stderr += string(event.Stderr.Data)
			stderr += uint64(len(event.Stderr.Data))
		case *guestv1.FollowResponse_Exit:
			got.exit = event.Exit
		}
		_, err := c.Acknowledge(c.t.Context(), connect.NewRequest(&guestv1.AcknowledgeRequest{ProcessId: id, StdoutCursor: stdout, StderrCursor: stderr}))
		if err != nil {
			c.t.Fatal(err)
		}
	}
	if err := stream.Err(); err != nil {
		c.t.Fatal(err)
	}
	return got
}

func TestWhatTheBackgroundPrintsComesAfterTheExit(t *testing.T) {
	c := serve(t, groups(t))
	path, open := gate(t)
	script := "echo own; (read x <" + path + "; echo late; echo later >&2) & exit 3"
	c.begin("left", &guestv1.StartRequest{Argv: []string{"sh", "-c", script}})
	own := c.follow("left")
	if own.stdout != "own\n" || own.exit.ExitCode != 3 || !own.exit.Background {
		t.Fatalf("%s, background %v", own, own.exit.Background)
	}
	open()
	got := c.rest("left", own)
	if got.stdout != "late\n" || got.stderr != "later\n" || got.exit.ExitCode != 3 {
		t.Errorf("%s", got)
	}
	// Again, for who comes later: a daemon that was started anew.
	all := outcome{own.stdout + got.stdout, own.stderr + got.stderr, nil}
	if got := c.rest("left", all); got.stdout != "" || got.stderr != "" || got.exit.ExitCode != 3 {
		t.Errorf("%s", got)
	}
}

func TestAProgramThatLeavesNothingSaysSo(t *testing.T) {
	c := serve(t, groups(t))
	c.begin("alone", &guestv1.StartRequest{Argv: []string{"sh", "-c", "sleep 0 & wait; echo done"}})
	own := c.follow("alone")
	if own.stdout != "done\n" || own.exit.Background {
		t.Errorf("%s, background %v", own, own.exit.Background)
	}
	if got := c.rest("alone", own); got.stdout != "" || got.exit == nil {
		t.Errorf("%s", got)
	}
}

// A writer that is never read waits, as the program itself would, and nothing of it is lost.
func TestTheBackgroundIsHeldToTheSameBound(t *testing.T) {
	c := serve(t, groups(t))
	path, open := gate(t)
	script := "(read x <" + path + "; head -c 9000000 /dev/zero) & echo own"
	c.begin("loud", &guestv1.StartRequest{Argv: []string{"sh", "-c", script}})
	own := c.follow("loud")
	open()
	got := c.rest("loud", own)
	if !bytes.Equal([]byte(got.stdout), make([]byte, 9_000_000)) {
		t.Errorf("%d bytes", len(got.stdout))
	}
}

func TestAFloodInTheBackgroundDoesNotHoldTheExit(t *testing.T) {
	c := serve(t, groups(t))
	c.begin("flood", &guestv1.StartRequest{Argv: []string{"sh", "-c", "yes & sleep 0.05; echo own >&2"}})
	own := c.follow("flood")
	if own.stderr != "own\n" || !own.exit.Background {
		t.Errorf("%q, background %v", own.stderr, own.exit.Background)
	}
	// Who lets go of it leaves it running, and its output is dropped.
	release := &guestv1.ReleaseRequest{ProcessId: "flood", LeaveRunning: true}
	if _, err := c.Release(t.Context(), connect.NewRequest(release)); err != nil {
		t.Error(err)
	}
}

func TestAReleaseEndsTheBackground(t *testing.T) {
	trees := groups(t)
	c := serve(t, trees)
	c.begin("left", &guestv1.StartRequest{Argv: []string{"sh", "-c", "sleep 1000 & echo $!"}})
	own := c.follow("left")
	stream, err := c.Follow(t.Context(), connect.NewRequest(&guestv1.FollowRequest{ProcessId: "left", StdoutCursor: uint64(len(own.stdout)), Rest: true}))
	if err != nil {
		t.Fatal(err)
	}
	if !stream.Receive() || stream.Msg().GetExit() == nil {
		t.Errorf("%v, %v", stream.Msg(), stream.Err())
	}
	if _, err := c.Release(t.Context(), connect.NewRequest(&guestv1.ReleaseRequest{ProcessId: "left"})); err != nil {
		t.Error(err)
	}
	for stream.Receive() {
	}
	if err := waitUntilEmpty(t.Context(), trees.folder); err != nil {
		t.Error(err)
	}
	// Its group is another program's now.
	c.expect(c.run("true"), 0, 0, "", "")
}
