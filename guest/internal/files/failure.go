// failure.go owns what the host is told when a file operation fails; it never retries.

package files

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"
)

var (
	errOutside = errors.New("it leads out of the workspace")
	errMounted = errors.New("something else is mounted there")
	// Ends a visit that has seen what it wanted.
	errEnough = errors.New("enough")
)

// failure names the path, and picks the code by the cause.
func failure(what, path string, err error) error {
	var coded *connect.Error
	if err == nil || errors.As(err, &coded) {
		return err
	}
	return connect.NewError(codeOf(err), fmt.Errorf("%s %q: %w", what, path, err))
}

func codeOf(err error) connect.Code {
	for _, known := range []struct {
		code   connect.Code
		causes []error
	}{
		{connect.CodeCanceled, []error{context.Canceled}},
		{connect.CodeDeadlineExceeded, []error{context.DeadlineExceeded}},
		{connect.CodePermissionDenied, []error{errOutside}},
		{connect.CodeNotFound, []error{unix.ENOENT, unix.ENOTDIR}},
		{connect.CodeResourceExhausted, []error{unix.ENOSPC, unix.EDQUOT, unix.EMFILE, unix.ENFILE, unix.ENOMEM}},
		{connect.CodeInvalidArgument, []error{unix.ENAMETOOLONG}},
		{connect.CodeFailedPrecondition, []error{errMounted, unix.ELOOP, unix.EISDIR, unix.ENOTEMPTY, unix.EEXIST, unix.EROFS, unix.ETXTBSY, unix.EBUSY, unix.EPERM}},
	} {
		for _, cause := range known.causes {
			if errors.Is(err, cause) {
				return known.code
			}
		}
	}
	return connect.CodeInternal
}

func invalid(format string, args ...any) error {
	return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf(format, args...))
}

func refused(format string, args ...any) error {
	return connect.NewError(connect.CodeFailedPrecondition, fmt.Errorf(format, args...))
}
