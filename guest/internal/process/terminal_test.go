// These tests prove that a program on a terminal has one: size, input, foreground signals, all its output.

package process

import (
	"strings"
	"testing"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

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
