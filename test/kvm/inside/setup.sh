#!/bin/sh
# Owns turning a fresh Debian root ($1) into an emulated host, and its image in $2. Knows nothing of pyro.
set -eu
root=$1 out=$2

chroot "$root" useradd --create-home --shell /bin/sh --groups kvm ada
chroot "$root" useradd --create-home --shell /bin/sh bob
echo host >"$root/etc/hostname"
echo "127.0.0.1 localhost host" >"$root/etc/hosts"
# Nothing else may use the one slow processor.
for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
	dpkg-db-backup.timer systemd-tmpfiles-clean.timer man-db.timer systemd-timesyncd.service getty@tty1.service \
	serial-getty@ttyS0.service systemd-random-seed.service systemd-pcrphase.service; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

cat >"$root/etc/systemd/system/smoke.service" <<UNIT
[Unit]
Description=runs the steps that lie in the share
After=multi-user.target

[Service]
Type=exec
ExecStartPre=/bin/mkdir -p /opt/smoke /share
ExecStartPre=/bin/mount -t squashfs -o ro /dev/vdb /opt/smoke
ExecStartPre=/bin/mount -t 9p -o trans=virtio,version=9p2000.L,cache=none,msize=131072 share /share
ExecStart=/bin/sh /opt/smoke/inside/service.sh
StandardOutput=journal+console
StandardError=journal+console

[Install]
WantedBy=graphical.target multi-user.target
UNIT
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -sf ../smoke.service "$root/etc/systemd/system/multi-user.target.wants/smoke.service"

cp "$root"/boot/vmlinuz-* "$out/vmlinuz"
cp "$root"/boot/initrd.img-* "$out/initrd.img"
rm -f "$root"/var/cache/apt/archives/*.deb
truncate --size=12G "$out/root.ext4"
# Without /proc and /sys, which are mounted on it meanwhile.
mkdir "$out/bare"
mount --bind "$root" "$out/bare"
trap 'umount "$out/bare" && rmdir "$out/bare"' EXIT
mke2fs -q -t ext4 -d "$out/bare" "$out/root.ext4"
