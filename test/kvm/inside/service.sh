#!/bin/sh
# Owns running, inside an emulated host, each script that appears in /share/todo as the user in its name (NUMBER.USER.sh),
# and laying its output, times and exit status into /share/done. Never stops.
set -u
while sleep 1; do cut -d ' ' -f 1 /proc/uptime >/share/alive; done &

echo ready >/share/ready
while sleep 0.1; do
	for todo in /share/todo/*.sh; do
		[ -f "$todo" ] || continue
		name=${todo##*/}
		number=${name%%.*}
		user=${name#*.}
		user=${user%.sh}
		done=/share/done/$number
		mv "$todo" "/share/doing/$name"
		began=$(cut -d ' ' -f 1 /proc/uptime)
		runuser --login "$user" --command "sh /share/doing/$name" </dev/null >"$done.out" 2>"$done.err"
		code=$?
		echo "$code $began $(cut -d ' ' -f 1 /proc/uptime)" >"$done.part"
		mv "$done.part" "$done.end"
	done
done
