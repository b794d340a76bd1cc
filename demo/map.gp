# The drawing of demo/map.sh; reads what demo/map.sql has put into dir.
load dir . '/facts.gp'
set terminal pngcairo size 1800, 1240 font 'DejaVu Sans,13' background '#ffffff'
set output out
file(name) = dir . '/' . name . '.dat'
array blue[5] = ['#d3e3f3', '#9ecae1', '#6baed6', '#3182bd', '#08519c']
country = '1-2 3-5 6-10 11-25 26+'
city = '1 2-3 4-6 7-10 11+'
land = '#f1efe8'
coast = '#b9b4a6'
ink = '#222222'
area = '#8c5a00'

set multiplot
unset border
unset tics
set size ratio -1

# the country
set label 4 "Outline: where there are post offices; no boundary is meant by it.  Contains pincode data from the All India Pincode Directory, Department of Posts,\nGovernment of India, under GODL-India, and from GeoNames (www.geonames.org), under CC BY 4.0; merged and changed by the pg_oms project." at screen 0.02, 0.03 font 'DejaVu Sans,9' noenhanced tc rgb '#777777'
set lmargin at screen 0.005
set rmargin at screen (cities > 0 ? 0.64 : 0.995)
set bmargin at screen 0.045
set tmargin at screen 0.915
set label 1 sprintf('Demand and fulfilment%s', strlen(top) ? ': ' . top : '') at screen 0.02, 0.965 font 'DejaVu Sans Bold,22' tc rgb ink
set label 2 sprintf('%d orders by place of delivery', orders) at screen 0.02, 0.932 font 'DejaVu Sans,14' tc rgb '#555555'
set key at screen 0.635, 0.925 right top reverse Left samplen 1.6 spacing 1.25 font 'DejaVu Sans,13' tc rgb ink title 'Orders in a hexagon of 25 km' left
stats file('land') using 1 name 'X' nooutput
stats file('land') using 2 name 'Y' nooutput
set xrange [X_min - 40 : X_max + 40]
set yrange [Y_min - 40 : Y_max + 40]
plot file('land') with filledcurves closed fc rgb land notitle, \
     file('land') with lines lw 1 lc rgb coast notitle, \
     for [c = 1:5] file('country_' . c) with filledcurves closed fc rgb blue[c] title word(country, c), \
     for [c = 1:5] file('country_' . c) with lines lw 0.3 lc rgb '#ffffff' notitle, \
     file('dark_store') using 1:2 with points pt 7 ps 1.3 lc rgb '#ffffff' notitle, \
     file('dark_store') using 1:2 with points pt 7 ps 0.9 lc rgb '#e08214' title 'dark store', \
     file('store') using 1:2 with points pt 9 ps 1.5 lc rgb '#ffffff' notitle, \
     file('store') using 1:2 with points pt 9 ps 1.1 lc rgb '#1b7837' title 'store', \
     file('warehouse') using 1:2 with points pt 5 ps 2.1 lc rgb '#ffffff' notitle, \
     file('warehouse') using 1:2 with points pt 5 ps 1.6 lc rgb '#b2182b' title 'warehouse', \
     file('warehouse') using 1:2:3 with labels offset 1.1, 0.8 left font 'DejaVu Sans Bold,12' tc rgb ink notitle
unset label 1
unset label 2
unset label 4

# the cities
array name[3]
array cx[3]
array cy[3]
if (cities >= 1) { name[1] = city_1; cx[1] = x_1; cy[1] = y_1 }
if (cities >= 2) { name[2] = city_2; cx[2] = x_2; cy[2] = y_2 }
if (cities >= 3) { name[3] = city_3; cx[3] = x_3; cy[3] = y_3 }
set border 15 lc rgb '#999999' lw 1
half = 11.5
do for [n = 1:cities] {
	set lmargin at screen 0.655
	set rmargin at screen 0.99
	set tmargin at screen 0.955 - (n - 1) * 0.297
	set bmargin at screen 0.955 - (n - 1) * 0.297 - 0.257
	set xrange [cx[n] - half * 1.75 : cx[n] + half * 1.75]
	set yrange [cy[n] - half : cy[n] + half]
	set title name[n] font 'DejaVu Sans Bold,15' tc rgb ink offset 0, -0.6
	set arrow 1 from cx[n] + half * 1.75 - 6.2, cy[n] - half + 1 rto 5, 0 nohead lw 3 lc rgb ink front
	set label 3 '5 km' at cx[n] + half * 1.75 - 3.7, cy[n] - half + 2 center font 'DejaVu Sans,11' tc rgb ink front
	if (n == cities) {
		set key at screen 0.66, 0.085 left top reverse Left horizontal maxrows 2 width 1 samplen 1.6 spacing 1.2 font 'DejaVu Sans,12' noopaque title 'Orders in a hexagon of 900 m' left
	} else {
		unset key
	}
	plot for [c = 1:5] file(sprintf('city_%d_%d', n, c)) with filledcurves closed fc rgb blue[c] title word(city, c), \
	     file('area') with filledcurves closed fc rgb '#f0b040' fs transparent solid 0.16 noborder notitle, \
	     file('area') with lines lw 1.6 lc rgb area title 'area served by riders', \
	     file('dark_store') using 1:2 with points pt 7 ps 2 lc rgb '#ffffff' notitle, \
	     file('dark_store') using 1:2 with points pt 7 ps 1.5 lc rgb '#e08214' notitle, \
	     file('store') using 1:2 with points pt 9 ps 2.2 lc rgb '#ffffff' notitle, \
	     file('store') using 1:2 with points pt 9 ps 1.7 lc rgb '#1b7837' notitle, \
	     file('warehouse') using 1:2 with points pt 5 ps 2.1 lc rgb '#ffffff' notitle, \
	     file('warehouse') using 1:2 with points pt 5 ps 1.6 lc rgb '#b2182b' notitle, \
	     file('dark_store') using 1:2:3 with labels offset 0, 1 font 'DejaVu Sans,10' tc rgb ink notitle, \
	     file('store') using 1:2:3 with labels offset 0, 1 font 'DejaVu Sans,10' tc rgb ink notitle, \
	     file('warehouse') using 1:2:3 with labels offset 0, 1 font 'DejaVu Sans Bold,10' tc rgb ink notitle
}
unset multiplot
