// These tests prove that standard input arrives once, in order, and ends with its reader.

package process

import (
	"crypto/rand"
	"testing"

	"connectrpc.com/connect"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

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
	data := make([]byte, 1_000_000)
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
