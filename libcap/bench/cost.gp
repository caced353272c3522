# SPDX-License-Identifier: Apache-2.0 OR MIT
# cost.gp -- draws what cap.sh has counted.  gnuplot -e "data='DIR'; operations='a b'; set output 'x'"
set terminal svg size 900,420 font "sans,12" background "white"
set multiplot layout 1,2 title "libcap: instructions of one operation"
set logscale x
set format x "10^{%L}"
set xlabel "capabilities in the forest"
set yrange [0:*]
set grid
set key outside bottom center horizontal
do for [shape in "wide deep"] {
	set title shape eq "wide" ? "wide: all from one root" : "deep: chains of 64"
	plot for [name in operations] data."/".name.".".shape.".dat" using 1:2 \
	    with linespoints title name.(name eq "revoke" ? " (each)" : "")
}
unset multiplot
