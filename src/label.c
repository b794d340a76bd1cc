/*
 * label.c
 *	  The parcel's label: a 4 x 6 inch PDF with Code 128 bars.
 *
 * libharu and libzint must never see a longjmp: nothing in between may raise
 * an error.  libharu allocates from a memory context of ours with a "no
 * error" allocator, so that whatever happens its memory goes with the
 * context; its error handler only notes the first error.  All text is read
 * and converted before the drawing starts.
 *
 * Bars are drawn as vectors, one module a whole number of dots of a 203 dpi
 * label printer, so that no printer has to round.
 */
#include "postgres.h"

#include <hpdf.h>
#include <unistd.h>
#include <zint.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "shipment.h"

#define PAGE_W 288.0f
#define PAGE_H 432.0f
#define MARGIN 10.0f
#define INNER (PAGE_W - 2 * MARGIN)
#define DOT (72.0f / 203.0f)
#define MAX_DOTS 5
#define MIN_DOTS 2				/* narrower bars do not scan on paper */
#define MAX_ITEMS 4

char	   *oms_label_font;

typedef struct Party
{
	char	   *name;
	char	   *address;
	char	   *city;			/* city, state, pincode on one line */
	char	   *phone;
} Party;

typedef struct Label
{
	char	   *courier;
	char	   *awb;
	char	   *reference;		/* the channel's number where it fits bars */
	char	   *order_text;
	char	   *pincode;		/* where it goes */
	char	   *zone;
	char	   *pay;			/* COD amount, PREPAID or RETURN */
	char	   *weight;
	char	   *gstin;
	Party		to;
	Party		from;
	int			nitems;
	char	   *items[MAX_ITEMS + 1];
} Label;

typedef struct Canvas
{
	HPDF_Doc	doc;
	HPDF_Page	page;
	HPDF_Font	font;
	HPDF_STATUS error;
	bool		utf8;			/* else single bytes of Helvetica */
	const char *bars;			/* what libzint complained about, or NULL */
} Canvas;

static char *rupees(int64 paise, bool sign);
static void read_label(OmsShipment *s, Label *l);
static bytea *draw_label(const Label *l);

PG_FUNCTION_INFO_V1(oms_label_pdf);

Datum
oms_label_pdf(PG_FUNCTION_ARGS)
{
	OmsShipment s;
	Label		l = {0};
	int32		company_id;
	bytea	   *pdf;

	oms_require_installed();
	company_id = oms_company_arg(fcinfo, 1);
	oms_spi_connect();
	s.company_id = company_id;
	s.shipment_id = oms_id_arg(fcinfo, 0, "shipment_id");
	read_label(&s, &l);
	pdf = (bytea *) DatumGetPointer(SPI_datumTransfer(PointerGetDatum(draw_label(&l)),
													  false, -1));
	oms_spi_finish();
	PG_RETURN_BYTEA_P(pdf);
}

/*
 * Text
 */

/* In the encoding the page wants, without what it cannot show. */
static char *
page_text(const char *s, bool utf8)
{
	char	   *u;
	char	   *out;
	char	   *p;

	if (s == NULL)
		return pstrdup("");
	u = pg_server_to_any(s, strlen(s), PG_UTF8);
	out = p = palloc(strlen(u) + 1);
	while (*u)
	{
		unsigned char c = (unsigned char) *u;
		int			len = c < 0x80 ? 1 : pg_utf_mblen((const unsigned char *) u);

		if (c < 0x20 || c == 0x7f)
			*p++ = ' ';
		else if (c < 0x80)
			*p++ = *u;
		else if (utf8 && len <= 3 && strnlen(u, len) == len)
		{
			memcpy(p, u, len);
			p += len;
		}
		else
			*p++ = '?';
		u += strnlen(u, len);
	}
	*p = '\0';
	return out;
}

/* Rupees with Indian grouping: 12,34,567.00 */
static char *
rupees(int64 paise, bool sign)
{
	char		digits[32];
	StringInfoData out;
	int			n;

	n = snprintf(digits, sizeof(digits), INT64_FORMAT, paise / 100);
	initStringInfo(&out);
	appendStringInfoString(&out, sign ? "\xe2\x82\xb9 " : "Rs. ");
	for (int i = 0; i < n; i++)
	{
		int			left = n - i;

		if (i > 0 && (left == 3 || (left > 3 && left % 2 == 1)))
			appendStringInfoChar(&out, ',');
		appendStringInfoChar(&out, digits[i]);
	}
	appendStringInfo(&out, ".%02d", (int) (paise % 100));
	return out.data;
}

static bool
fits_bars(const char *s)
{
	if (*s == '\0' || strlen(s) > 24)
		return false;
	for (; *s; s++)
		if ((unsigned char) *s < 0x20 || (unsigned char) *s > 0x7e)
			return false;
	return true;
}

static bool
font_there(void)
{
	return oms_label_font && oms_label_font[0] && access(oms_label_font, R_OK) == 0;
}

/*
 * Reading
 */
static OmsPlan label_plan = {
	"SELECT s.direction = 'reverse', c.name, s.awb, o.external_id, o.order_id, s.zone, s.cod_amount,"
	" coalesce(s.charge_g, s.dead_g), n.gstin,"
	" n.name, n.address, concat_ws(', ', n.city, gn.name), n.pincode,"
	" o.ship_name, o.ship_address, concat_ws(', ', o.ship_city, go.name), o.ship_pincode, o.ship_phone"
	" FROM oms.shipment s"
	" JOIN oms.\"order\" o ON o.company_id = s.company_id AND o.order_id = s.order_id"
	" JOIN oms.node n ON n.node_id = s.node_id"
	" LEFT JOIN oms.gst_state gn ON gn.state_code = n.state_code"
	" LEFT JOIN oms.gst_state go ON go.state_code = o.ship_state_code"
	" LEFT JOIN oms.courier_service v ON v.courier_service_id = s.courier_service_id"
	" LEFT JOIN oms.courier c ON c.courier_id = v.courier_id"
	" WHERE s.company_id = $1 AND s.shipment_id = $2",
	2, {INT4OID, INT8OID}, NULL
};
static OmsPlan items_plan = {
	"SELECT trim_scale(sum(i.qty))::text || ' x ' || u.name, count(*) OVER ()"
	" FROM (SELECT a.sku_id, a.qty FROM oms.allocation a WHERE a.company_id = $1 AND a.shipment_id = $2 AND a.status <> 'cancelled'"
	"  UNION ALL SELECT a.sku_id, l.qty FROM oms.shipment s"
	"   JOIN oms.return_line l ON l.company_id = s.company_id AND l.return_id = s.return_id"
	"   JOIN oms.allocation a ON a.company_id = l.company_id AND a.allocation_id = l.allocation_id"
	"   WHERE s.company_id = $1 AND s.shipment_id = $2 AND s.direction = 'reverse') i"
	" JOIN oms.sku u ON u.sku_id = i.sku_id"
	" GROUP BY u.sku_id, u.code, u.name ORDER BY u.code COLLATE \"C\" LIMIT 5",
	2, {INT4OID, INT8OID}, NULL
};

static void
read_label(OmsShipment *s, Label *l)
{
	Datum		values[2] = {Int32GetDatum(s->company_id), Int64GetDatum(s->shipment_id)};
	bool		utf8 = font_there();
	bool		reverse;
	int64		cod;
	int64		more;
	uint64		n;
	Party		node = {0};
	Party		buyer = {0};
	char	   *pin_node;
	char	   *pin_buyer;
	char	   *external_id;

	if (oms_exec(&label_plan, values, NULL, true, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_UNKNOWN_REFERENCE),
				 errmsg("shipment " INT64_FORMAT " does not exist", s->shipment_id)));
	reverse = oms_bool(0, 1);
	l->courier = page_text(oms_cstr(0, 2), utf8);
	l->awb = oms_cstr(0, 3);
	if (l->awb == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_LABEL),
				 errmsg("shipment " INT64_FORMAT " has no AWB number to print", s->shipment_id),
				 errhint("Call oms.book_shipment() first.")));
	external_id = oms_cstr(0, 4);
	l->reference = fits_bars(external_id) ? external_id :
		psprintf(INT64_FORMAT, oms_int8(0, 5));
	l->order_text = page_text(psprintf("Order %s", external_id), utf8);
	l->zone = oms_cstr(0, 6) ? page_text(psprintf("Zone %s", oms_cstr(0, 6)), utf8) : pstrdup("");
	cod = oms_paise(0, 7);
	l->weight = psprintf("%d.%03d kg", oms_int4(0, 8) / 1000, oms_int4(0, 8) % 1000);
	l->gstin = !reverse && oms_cstr(0, 9) ? page_text(psprintf("GSTIN %s", oms_cstr(0, 9)), utf8) : NULL;
	pin_node = oms_cstr(0, 13);
	pin_buyer = oms_cstr(0, 17);
	node.name = page_text(oms_cstr(0, 10), utf8);
	node.address = page_text(oms_cstr(0, 11), utf8);
	node.city = page_text(psprintf("%s %s", oms_cstr(0, 12), pin_node ? pin_node : ""), utf8);
	buyer.name = page_text(oms_cstr(0, 14), utf8);
	buyer.address = page_text(oms_cstr(0, 15), utf8);
	buyer.city = page_text(psprintf("%s %s", oms_cstr(0, 16), pin_buyer ? pin_buyer : ""), utf8);
	if (oms_cstr(0, 18))
		buyer.phone = page_text(psprintf("Phone %s", oms_cstr(0, 18)), utf8);
	l->to = reverse ? node : buyer;
	l->from = reverse ? buyer : node;
	l->pincode = page_text(reverse ? pin_node : pin_buyer, utf8);
	l->pay = reverse ? pstrdup("RETURN") : cod > 0 ?
		psprintf("COD %s", rupees(cod, utf8)) : pstrdup("PREPAID");
	n = oms_exec(&items_plan, values, NULL, true, 0);
	more = n > 0 ? oms_int8(0, 2) : 0;
	for (uint64 i = 0; i < Min(n, MAX_ITEMS); i++)
		l->items[l->nitems++] = page_text(oms_cstr(i, 1), utf8);
	if (more > MAX_ITEMS)
		l->items[l->nitems++] = psprintf("and " INT64_FORMAT " more items", more - MAX_ITEMS);
}

/*
 * Drawing.  From here to the end of paint() nothing may raise an error.
 */
static MemoryContext canvas_context;

static void *HPDF_STDCALL
canvas_alloc(HPDF_UINT size)
{
	return MemoryContextAllocExtended(canvas_context, size,
									  MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);
}

static void HPDF_STDCALL
canvas_free(void *p)
{
	if (p)
		pfree(p);
}

static void HPDF_STDCALL
canvas_error(HPDF_STATUS error, HPDF_STATUS detail, void *arg)
{
	Canvas	   *c = arg;

	if (c->error == 0)
		c->error = error;
}

static float
text_width(Canvas *c, float size, const char *text)
{
	HPDF_Page_SetFontAndSize(c->page, c->font, size);
	return HPDF_Page_TextWidth(c->page, text);
}

static void
put(Canvas *c, float x, float y, float size, const char *text)
{
	HPDF_Page_SetFontAndSize(c->page, c->font, size);
	HPDF_Page_BeginText(c->page);
	HPDF_Page_TextOut(c->page, x, y, text);
	HPDF_Page_EndText(c->page);
}

/* Bytes of the longest head of "text" not wider than "width", whole
 * characters, whole words where "words". */
static int
head_that_fits(Canvas *c, float size, const char *text, float width,
			   bool words)
{
	char		buf[512];
	int			fit = 0;
	int			space = 0;
	int			n = 0;

	while (text[n])
	{
		int			len = c->utf8 ? pg_utf_mblen((const unsigned char *) text + n) : 1;

		if (n + len >= (int) sizeof(buf))
			break;
		memcpy(buf + n, text + n, len);
		buf[n + len] = '\0';
		if (text_width(c, size, buf) > width)
			break;
		if (text[n] == ' ')
			space = n;
		n += len;
		fit = n;
	}
	if (words && text[fit] && space > 0)
		return space;
	return fit;
}

/* One line, cut where it is too wide. */
static void
put_cut(Canvas *c, float x, float y, float size, float width,
		const char *text)
{
	char		buf[512];
	int			n = head_that_fits(c, size, text, width, false);

	memcpy(buf, text, n);
	buf[n] = '\0';
	put(c, x, y, size, buf);
}

/* Several lines; returns the y of the line after the last. */
static float
put_wrapped(Canvas *c, float x, float y, float size, float width, int lines,
			const char *text)
{
	for (int i = 0; i < lines && *text; i++)
	{
		char		buf[512];
		int			n = head_that_fits(c, size, text, width, i + 1 < lines);

		if (n == 0)
			break;
		memcpy(buf, text, n);
		buf[n] = '\0';
		put(c, x, y, size, buf);
		y -= size * 1.2f;
		text += n;
		while (*text == ' ')
			text++;
	}
	return y;
}

static void
put_right(Canvas *c, float right, float y, float size, const char *text)
{
	put(c, right - text_width(c, size, text), y, size, text);
}

static void
put_centred(Canvas *c, float y, float size, const char *text)
{
	char		buf[512];
	int			n = head_that_fits(c, size, text, INNER, false);

	memcpy(buf, text, n);
	buf[n] = '\0';
	put(c, (PAGE_W - text_width(c, size, buf)) / 2, y, size, buf);
}

static void
rule(Canvas *c, float y)
{
	HPDF_Page_SetLineWidth(c->page, 0.8f);
	HPDF_Page_MoveTo(c->page, MARGIN, y);
	HPDF_Page_LineTo(c->page, PAGE_W - MARGIN, y);
	HPDF_Page_Stroke(c->page);
}

/* Code 128 centred in the page, its foot at y. */
static void
bars(Canvas *c, const char *text, float y, float height)
{
	struct zint_symbol *symbol = ZBarcode_Create();
	float		unit;
	float		module;
	float		x;
	int			dots;

	if (symbol == NULL)
	{
		c->bars = "out of memory";
		return;
	}
	symbol->symbology = BARCODE_CODE128;
	symbol->show_hrt = 0;
	symbol->height = 50;
	if (ZBarcode_Encode_and_Buffer_Vector(symbol, (const unsigned char *) text,
										  (int) strlen(text), 0) >= ZINT_ERROR ||
		symbol->vector == NULL || symbol->width <= 0)
	{
		c->bars = "cannot be written as Code 128";
		ZBarcode_Delete(symbol);
		return;
	}
	/* ten modules of quiet zone on either side */
	dots = (int) (INNER / DOT / (symbol->width + 20));
	dots = Min(dots, MAX_DOTS);
	if (dots < MIN_DOTS)
		c->bars = "is too long for the label";
	else
	{
		module = dots * DOT;
		unit = symbol->vector->width / symbol->width;
		x = (int) ((PAGE_W - symbol->width * module) / 2 / DOT) * DOT;
		for (struct zint_vector_rect *r = symbol->vector->rectangles; r; r = r->next)
			HPDF_Page_Rectangle(c->page, x + r->x / unit * module, y,
								r->width / unit * module, height);
		HPDF_Page_Fill(c->page);
	}
	ZBarcode_Delete(symbol);
}

static float
party(Canvas *c, const char *title, const Party *p, float y, float size,
	  int lines)
{
	put(c, MARGIN, y, 6, title);
	y -= size * 1.25f;
	put_cut(c, MARGIN, y, size, INNER, p->name);
	y -= size * 1.2f;
	y = put_wrapped(c, MARGIN, y, size - 1, INNER, lines, p->address);
	put_cut(c, MARGIN, y, size - 1, INNER, p->city);
	y -= size * 1.2f;
	if (p->phone)
	{
		put_cut(c, MARGIN, y, size - 1, INNER, p->phone);
		y -= size * 1.2f;
	}
	return y;
}

static void
paint(Canvas *c, const Label *l)
{
	float		y = PAGE_H - 26;

	put_cut(c, MARGIN, y, 16, INNER - 90, l->courier);
	put_right(c, PAGE_W - MARGIN, y, 16, l->pincode);
	put_right(c, PAGE_W - MARGIN, y - 12, 8, l->zone);
	put_cut(c, MARGIN, y - 12, 8, INNER - 90, l->weight);
	rule(c, PAGE_H - 44);
	bars(c, l->awb, PAGE_H - 104, 54);
	put_centred(c, PAGE_H - 118, 11, l->awb);
	rule(c, PAGE_H - 124);
	(void) party(c, "SHIP TO", &l->to, PAGE_H - 133, 11, 3);
	rule(c, 208);
	put_cut(c, MARGIN, 184, 22, INNER, l->pay);
	rule(c, 176);
	y = 166;
	for (int i = 0; i < l->nitems; i++, y -= 9)
		put_cut(c, MARGIN, y, 7.5f, INNER, l->items[i]);
	rule(c, 124);
	bars(c, l->reference, 92, 26);
	put_centred(c, 82, 8, l->order_text);
	rule(c, 76);
	y = party(c, "FROM", &l->from, 68, 8, 2);
	if (l->gstin)
		put_cut(c, MARGIN, y, 7, INNER, l->gstin);
}

static void
open_canvas(Canvas *c)
{
	const char *name = NULL;

	c->doc = HPDF_NewEx(canvas_error, canvas_alloc, canvas_free, 0, c);
	if (c->doc == NULL)
		return;
	HPDF_SetCompressionMode(c->doc, HPDF_COMP_ALL);
	if (c->utf8)
	{
		HPDF_UseUTFEncodings(c->doc);
		name = HPDF_LoadTTFontFromFile(c->doc, oms_label_font, HPDF_TRUE);
		if (name)
			c->font = HPDF_GetFont(c->doc, name, "UTF-8");
	}
	else
		c->font = HPDF_GetFont(c->doc, "Helvetica", "WinAnsiEncoding");
	c->page = HPDF_AddPage(c->doc);
	if (c->page == NULL || c->font == NULL)
		return;
	HPDF_Page_SetWidth(c->page, PAGE_W);
	HPDF_Page_SetHeight(c->page, PAGE_H);
}

static bytea *
draw_label(const Label *l)
{
	Canvas		c = {0};
	bytea	   *pdf = NULL;
	HPDF_UINT32 size = 0;

	c.utf8 = font_there();
	canvas_context = AllocSetContextCreate(CurrentMemoryContext, "label",
										   ALLOCSET_DEFAULT_SIZES);
	open_canvas(&c);
	if (c.doc && c.page && c.font && c.error == 0)
	{
		paint(&c, l);
		if (c.error == 0 && c.bars == NULL && HPDF_SaveToStream(c.doc) == HPDF_OK)
			size = HPDF_GetStreamSize(c.doc);
	}
	if (size > 0)
	{
		HPDF_UINT32 got = size;

		/* may raise an error: libharu is not on the stack here */
		pdf = palloc(VARHDRSZ + size);
		HPDF_ReadFromStream(c.doc, (HPDF_BYTE *) VARDATA(pdf), &got);
		SET_VARSIZE(pdf, VARHDRSZ + got);
	}
	if (c.doc)
		HPDF_Free(c.doc);
	MemoryContextDelete(canvas_context);
	if (pdf == NULL && c.bars)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_LABEL),
				 errmsg("AWB or order number %s", c.bars),
				 errdetail("AWB \"%s\", order \"%s\".", l->awb, l->reference)));
	if (pdf == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OMS_LABEL),
				 errmsg("label could not be drawn"),
				 errdetail("libharu error 0x%04lX.", (unsigned long) c.error),
				 errhint("Check that the setting oms.label_font names a TrueType file.")));
	return pdf;
}
