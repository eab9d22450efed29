// The host that the tests of this package play: it speaks the real protocol over TLS on loopback.

package process

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"connectrpc.com/connect"

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
	request.Env = append(request.Env, "PATH=/usr/local/bin:/usr/bin:/bin")
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
