-- What demo/map.sh draws, as files for gnuplot: kilometres on the projection
-- EPSG:7755.  Variables: dir, where the files go; cell, edge of the country's
-- hexagons in metres; city_cell, of the cities'.
\pset tuples_only on
\pset format unaligned
\pset fieldsep ' '
set client_min_messages = warning;

-- rings of polygons in kilometres, an empty line between them
create function pg_temp.rings(shape geometry, digits integer) returns text language sql as $$
    select string_agg(line, e'\n\n' order by n) from (
        select r.path as n, string_agg(round((st_x(p.geom) / 1000)::numeric, digits) || ' ' || round((st_y(p.geom) / 1000)::numeric, digits), e'\n' order by p.path) as line
          from st_dump(shape) r, lateral st_dumppoints(st_exteriorring(r.geom)) p group by r.path) x
$$;

-- the land: where there are post offices, closed over deserts
\set file :dir '/land.dat'
\o :file
select pg_temp.rings(st_collect(l.geom), 0)
  from (select (st_dump(st_simplify(st_buffer(st_buffer(st_union(h.geom), 70000, 4), -62000, 4), 4000))).geom
          from (select distinct on (g.i, g.j) g.geom
                  from (select st_transform(place::geometry, 7755) as p from oms.pincode where place is not null) z
                 cross join lateral st_hexagongrid(30000, z.p) g where st_intersects(g.geom, z.p)) h) l
 -- one or two points alone in the sea are mistakes of the source
 where (select count(*) from oms.pincode z where z.place is not null and st_intersects(l.geom, st_transform(z.place::geometry, 7755))) > 2;

create temp table place as
select st_transform(ship_place::geometry, 7755) as p, count(*) as orders
  from oms."order" where ship_place is not null group by ship_place::geometry;
create temp table hexagon as
select g.i, g.j, g.geom, sum(z.orders) as orders
  from place z cross join lateral st_hexagongrid(:cell, z.p) g where st_intersects(g.geom, z.p) group by 1, 2, 3;
create temp table city as -- cities with hyperlocal nodes, most first; the frame holds their areas
select row_number() over (order by count(*) desc, n.city) as rank, n.city,
       st_transform(st_centroid(st_collect(n.place::geometry)), 7755) as centre
  from oms.node n where n.hyperlocal and n.place is not null group by n.city;
create temp table city_hexagon as
select c.rank, g.i, g.j, g.geom, sum(z.orders) as orders
  from city c join place z on st_dwithin(z.p, c.centre, 40000)
 cross join lateral st_hexagongrid(:city_cell, z.p) g where st_intersects(g.geom, z.p) group by 1, 2, 3, 4;

-- demand in five classes with round limits
create temp table class as
select 'country' as map, k.class, k.lower, k.upper from (values (1, 1, 2), (2, 3, 5), (3, 6, 10), (4, 11, 25), (5, 26, 1000000)) as k (class, lower, upper)
union all
select 'city', k.class, k.lower, k.upper from (values (1, 1, 1), (2, 2, 3), (3, 4, 6), (4, 7, 10), (5, 11, 1000000)) as k (class, lower, upper);
\set file :dir '/make.sql'
\o :file
select format(e'\\o %s/country_%s.dat\n', :'dir', class) ||
       format('select pg_temp.rings(st_collect(geom), 1) from hexagon where orders between %s and %s;', lower, upper)
  from class where map = 'country'
union all
select format(e'\\o %s/city_%s_%s.dat\n', :'dir', rank, class) ||
       format('select pg_temp.rings(st_collect(geom), 3) from city_hexagon where rank = %s and orders between %s and %s;', rank, lower, upper)
  from class, city where map = 'city' and rank <= 3;
\o
\i :file

-- nodes: kilometres east and north, code
\set file :dir '/warehouse.dat'
\o :file
select st_x(p) / 1000, st_y(p) / 1000, code from (select code, st_transform(place::geometry, 7755) as p from oms.node where place is not null and kind in ('warehouse', 'supplier')) n;
\set file :dir '/dark_store.dat'
\o :file
select st_x(p) / 1000, st_y(p) / 1000, code from (select code, st_transform(place::geometry, 7755) as p from oms.node where place is not null and kind = 'dark_store') n;
\set file :dir '/store.dat'
\o :file
select st_x(p) / 1000, st_y(p) / 1000, code from (select code, st_transform(place::geometry, 7755) as p from oms.node where place is not null and kind = 'store') n;
\set file :dir '/area.dat'
\o :file
select pg_temp.rings(st_collect(st_transform(shape, 7755)), 3)
  from (select (st_dump(coalesce(a.area, st_buffer(n.place, a.radius_m))::geometry)).geom as shape
          from oms.service_area a join oms.node n using (node_id) where n.hyperlocal and n.place is not null) s;

-- what gnuplot must know: frames, names, counts
\set file :dir '/facts.gp'
\o :file
select format('orders = %s; cities = %s; top = "%s"', (select coalesce(sum(orders), 0) from place), (select least(count(*), 3) from city),
    (select coalesce(max(name), '') from oms.company where company_id = (select min(company_id) from oms.company)));
select format('city_%s = "%s"; x_%s = %s; y_%s = %s', rank, city, rank, round(st_x(centre) / 1000), rank, round(st_y(centre) / 1000)) from city where rank <= 3;
