/*
 * core_statement.c
 *	  Reading the text of our own statements, which are written just so.
 */
#include "postgres.h"

#include "core_statement.h"

/* One name of a list, at **s; NULL when there is none */
char *
oms_read_name(const char **s)
{
	const char *begin = *s;
	char	   *name;

	if (*begin == '"')
	{
		const char *end = strchr(begin + 1, '"');

		if (end == NULL)
			return NULL;
		name = pnstrdup(begin + 1, end - begin - 1);
		*s = end + 1;
		return name;
	}
	while ((**s >= 'a' && **s <= 'z') || **s == '_' || (**s >= '0' && **s <= '9'))
		(*s)++;
	return *s > begin ? pnstrdup(begin, *s - begin) : NULL;
}

/* "(a, b)" at **s; NIL when it is anything else */
List *
oms_read_names(const char **s)
{
	List	   *names = NIL;

	do
	{
		char	   *name;

		(*s)++;
		while (**s == ' ')
			(*s)++;
		name = oms_read_name(s);
		if (name == NULL)
			return NIL;
		names = lappend(names, name);
	} while (**s == ',');
	if (**s != ')')
		return NIL;
	(*s)++;
	return names;
}

bool
oms_read_word(const char **s, const char *word)
{
	if (strncmp(*s, word, strlen(word)) != 0)
		return false;
	*s += strlen(word);
	return true;
}
