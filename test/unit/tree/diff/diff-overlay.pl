# Owns real overlay mounts inside its own mount namespace, for the tests of diff. Answers each line of input with one line.
# mount FOLDER: overlay of FOLDER/lower and FOLDER/upper at FOLDER/merged.   attributes FOLDER: "hex(path) name hex(value)" for each of the
# upper layer's overlay attributes, separated by commas.   unmount FOLDER: and removes it.
use strict;
use warnings;
$| = 1;
my ($prefix, $options) = @ARGV;
my ($LGETXATTR) = (192);

sub attribute {
    my ($path, $name) = @_;
    my $value = "\0" x 5000;
    my $length = syscall($LGETXATTR, $path . "", $name . "", $value, 5000);
    return $length < 0 ? undef : substr($value, 0, $length);
}

sub walk {
    my ($root, $folder, $found) = @_;
    opendir(my $handle, "$root$folder") or die "opendir: $!";
    for my $name (readdir $handle) {
        next if $name eq "." || $name eq "..";
        my $path = "$folder/$name";
        next if -l "$root$path" || !-d "$root$path";
        for my $key ("opaque", "redirect") {
            my $value = attribute("$root$path", "$prefix.overlay.$key");
            push @$found, unpack("H*", substr($path, 1)) . " $key " . unpack("H*", $value) if defined $value;
        }
        walk($root, $path, $found);
    }
}

while (my $line = <STDIN>) {
    chomp $line;
    my ($verb, $folder) = split / /, $line, 2;
    if ($verb eq "mount") {
        my $failed = system("mount", "-t", "overlay", "overlay", "-o",
            "lowerdir=$folder/lower,upperdir=$folder/upper,workdir=$folder/work,$options", "$folder/merged");
        print $failed ? "failed\n" : "mounted\n";
    } elsif ($verb eq "tmpfs") {
        my $failed = system("mount", "-t", "tmpfs", "tmpfs", $folder);
        print $failed ? "failed\n" : "mounted\n";
    } elsif ($verb eq "attributes") {
        my @found;
        walk("$folder/upper", "", \@found);
        print join(",", @found), "\n";
    } elsif ($verb eq "unmount") {
        system("umount", "$folder/merged");
        # The kernel's own folder in there is closed to everybody else.
        system("rm", "-rf", $folder);
        print "unmounted\n";
    }
}
